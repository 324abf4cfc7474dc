"""Proves that the ledger is what it was when it was sealed, or names the first thing that is not."""
