"""Orders' tables, and what an order and an item do. What must never be, the database refuses: see the constraints."""
