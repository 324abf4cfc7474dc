"""How billing's tables came to be."""
