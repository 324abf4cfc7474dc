"""The table of items, and what an item does."""

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from services.orders.errors import NotChangeable, TransitionRefused
from services.orders.models.base import Base, one_of
from services.orders.standing import DEAD, TRANSITIONS, item_status
from shared.contracts.http.orders import ItemStatus


class Item(Base):
    """A line of an order."""

    __tablename__ = "items"
    __table_args__ = (
        CheckConstraint("quantity > 0", "some"),
        CheckConstraint("unit_price_minor >= 0", "price_not_negative"),
        CheckConstraint(one_of("status", ItemStatus), "status_known"),
    )

    order_number: Mapped[int] = mapped_column(ForeignKey("orders.number"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str]
    title: Mapped[str]
    quantity: Mapped[int]
    unit_price_minor: Mapped[int]
    status: Mapped[str]
    # The order's version that last made it dearer.
    raised_version: Mapped[int] = mapped_column(server_default=text("1"))

    @property
    def is_live(self) -> bool:
        return self.status not in DEAD

    @property
    def has_left_the_shop(self) -> bool:
        return self.status in (ItemStatus.SHIPPED, ItemStatus.COMPLETED)

    @property
    def total_minor(self) -> int:
        """What it costs; a dead item costs nothing."""
        return self.quantity * self.unit_price_minor if self.is_live else 0

    def move_to(self, status: ItemStatus) -> None:
        """Refuses `TransitionRefused`."""
        if status not in TRANSITIONS[ItemStatus(self.status)]:
            raise TransitionRefused(
                f"An item that is {_words(self.status)} cannot become {_words(status)}.", item_status=self.status
            )
        self.status = status.value

    def settle(self, remaining_minor: int, paid_version: int) -> None:
        """Whether it is paid: see `standing`."""
        status = ItemStatus(self.status)
        self.status = item_status(
            status, self.raised_version, remaining_minor=remaining_minor, paid_version=paid_version
        ).value

    def accept_price(self) -> None:
        """The customer agrees to the raised price. Refuses `TransitionRefused`."""
        if self.status != ItemStatus.PRICE_CONFIRMATION:
            raise TransitionRefused("There is no new price to accept on this item.", item_status=self.status)
        self.status = ItemStatus.AWAITING_PAYMENT.value

    def set_price(self, unit_price_minor: int, order_version: int) -> None:
        """A raised price waits for the customer's word. Refuses `NotChangeable`."""
        self._require_changeable()
        if unit_price_minor > self.unit_price_minor:
            self.status = ItemStatus.PRICE_CONFIRMATION.value
            self.raised_version = order_version
        self.unit_price_minor = unit_price_minor

    def set_quantity(self, quantity: int, order_version: int) -> None:
        """More pieces await payment again. Refuses `NotChangeable`."""
        self._require_changeable()
        if quantity > self.quantity:
            self.raised_version = order_version
            if self.status != ItemStatus.PRICE_CONFIRMATION:
                self.status = ItemStatus.AWAITING_PAYMENT.value
        self.quantity = quantity

    @property
    def is_changeable(self) -> bool:
        """Whether its price and quantity may still change."""
        return self.is_live and not self.has_left_the_shop

    def _require_changeable(self) -> None:
        if not self.is_changeable:
            raise NotChangeable(f"An item that is {_words(self.status)} keeps its price and quantity.")


def _words(status: str) -> str:
    return status.replace("_", " ")
