"""Owns customers' money: accounts, transfers, and an invoice per order.

Tells: OrderPaid, OrderRefunded, BalanceChanged, HoldChanged, LedgerSealed.
Listens to: OrderPlaced, OrderAmended, OrderCancelled.
"""
