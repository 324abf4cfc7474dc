"""Orders from a CSV file: a third door to what orders can do, for many at once.

`reading` cuts the file into invoices and `checking` judges each line; `taking` makes orders of sales, for the people
whom `customers` finds or makes, and `cancelling` takes goods back; `register` keeps what was brought before; `report`
says what became of every line.
"""
