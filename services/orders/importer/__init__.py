"""Orders from a CSV file: a third door to what orders can do, for many at once.

`reading` makes lines, `taking` makes orders of them, `report` says what became of every line.
"""
