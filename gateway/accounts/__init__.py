"""Logins and sessions: the gateway's own database."""
