"""The process `billing-migrate`."""

from shared.migrations import main

main("services.billing")
