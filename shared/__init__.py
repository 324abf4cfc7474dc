"""What every service speaks (contracts) and what every service would get wrong alone (plumbing)."""
