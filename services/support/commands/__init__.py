"""What support can do: one use case, one file, one function of that name."""
