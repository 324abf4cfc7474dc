"""Holds the services' books against each other, and keeps what does not add up as findings, until it does."""
