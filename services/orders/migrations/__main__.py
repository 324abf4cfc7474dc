"""The process `orders-migrate`."""

from shared.migrations import main

main("services.orders")
