"""Owns conversations: tickets, their messages, and how many of them are new.

Tells: TicketChanged, TicketCountsChanged. Listens to: OrderPaid, OrderRefunded.
"""
