"""How orders's tables came to be."""
