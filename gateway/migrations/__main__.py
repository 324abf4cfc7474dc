"""The process `gateway-migrate`."""

from shared.migrations import main

main("gateway")
