"""What support can refuse."""

from shared.errors import NotFound


class UnknownTicket(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no such ticket.")


class UnknownCustomer(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no such customer.")
