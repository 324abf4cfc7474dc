"""Owns customers, their orders and the orders' items: what an order costs, and where it stands.

Tells: CustomerRegistered, OrderPlaced, OrderAmended, OrderCancelled, OrderChanged.
Listens to: OrderPaid, OrderRefunded.
"""
