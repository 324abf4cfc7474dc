"""How support's tables came to be."""
