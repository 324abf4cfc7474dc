"""Billing's door for HTTP: each route is one call."""
