"""The process `support-migrate`."""

from shared.migrations import main

main("services.support")
