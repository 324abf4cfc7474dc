"""What can be done with logins and sessions: one file each."""
