"""How fast Purser is, measured on a system of its own: one module per benchmark, `make bench`."""
