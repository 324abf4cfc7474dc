"""Owns customers' money: accounts, transfers, and an invoice per order.

Tells: OrderPaid, OrderRefunded, BalanceChanged. Listens to: OrderPlaced, OrderAmended, OrderCancelled.
"""
