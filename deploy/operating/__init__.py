"""What an operator does by hand: look after dead letters, give a subscriber history."""
