"""The gateway's own shapes; what it only passes on is in shared/contracts/http."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from gateway.reconciliation.differences import Figures, Kind
from shared.auth import Role
from shared.contracts.base import Currency, Day, OrderNumber, Price, Text
from shared.contracts.http.base import Address, Page, Request, View
from shared.contracts.http.billing import HoldState, HoldView
from shared.contracts.http.orders import (
    CustomerView,
    ItemView,
    Login,
    NewItem,
    OrderGroup,
    RegisterCustomer,
    StatusCount,
)
from shared.contracts.http.support import TicketRow
from shared.contracts.orders import OrderStatus

# Hashing takes time by its length too, so that length is nobody's to choose.
LONGEST_PASSWORD_BYTES = 1024


def _hashable(password: str) -> str:
    if len(password.encode()) > LONGEST_PASSWORD_BYTES:
        raise ValueError(f"must have {LONGEST_PASSWORD_BYTES} bytes at most")
    return password


Password = Annotated[Text, AfterValidator(_hashable)]
NewPassword = Annotated[Password, StringConstraints(min_length=8)]
StaffRole = Literal[Role.OPERATOR, Role.FINANCIER, Role.ADMIN]


# --- Who asks ---------------------------------------------------------------------------------------------------------


class SignIn(Request):
    login: Annotated[Text, StringConstraints(max_length=100)]
    password: Password


class TokenForm(BaseModel):
    """OAuth 2, password grant (RFC 6749, 4.3). `scope` and the client's name mean nothing here."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    grant_type: Literal["password"] = "password"
    username: Annotated[Text, StringConstraints(max_length=100)]
    password: Password


class SessionView(View):
    login: str
    role: Role
    customer_id: UUID | None = Field(None, description="Of a customer only.")


class TokenView(View):
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105
    expires_in: int = Field(description="Seconds.")


class NewStaff(Request):
    login: Login
    role: StaffRole
    password: NewPassword | None = Field(None, description="Left out: one is made, and shown once.")


class ChangeStaff(Request):
    """What is left out stays. A new password, or `disabled`, ends the person's sessions."""

    role: StaffRole | None = None
    password: NewPassword | None = None
    disabled: StrictBool | None = None


class StaffView(View):
    login: str
    role: Role
    disabled: bool


class NewStaffView(StaffView):
    password: str | None = Field(None, description="Where none was given.")


# --- Orders and customers ---------------------------------------------------------------------------------------------


class NewCustomer(RegisterCustomer):
    password: NewPassword | None = Field(None, description="Left out: one is made, and shown once.")


class NewCustomerView(CustomerView):
    password: str | None = Field(None, description="Where none was given.")


class PlaceOwnOrder(Request):
    """Place an order for oneself."""

    currency: Currency
    delivery_minor: Price = 0
    shipping_address: Address
    items: Annotated[list[NewItem], Field(min_length=1, max_length=1000)]


class PageCustomer(CustomerView):
    """The order's customer; the money is null while billing cannot be reached."""

    balance_minor: int | None
    held_minor: int | None
    available_minor: int | None
    active_orders: list[OrderNumber] = Field(description="Other orders, neither completed nor cancelled.")
    money_actions: list[Literal["deposit", "withdraw"]] = Field(
        description="What the asking person may do with the balance."
    )


class TicketTotals(View):
    """The customer's tickets: those with a message that staff have not read, and all."""

    new: int
    total: int


class ShopTicketRow(TicketRow):
    """A conversation in the list of the whole shop."""

    customer_name: str | None = Field(description="Null while orders cannot be reached.")


class NamedHold(HoldView):
    """A withdrawal that waits or waited, in the list of the whole shop."""

    customer_name: str | None = Field(description="Null while orders cannot be reached.")


class FindingView(View):
    """Something that does not add up between the services' books."""

    id: int
    kind: Kind
    subject: str = Field(description="An order's number, a customer's id, or `shop`.")
    figures: Figures = Field(description="What differs. Amounts are those whose name ends in `_minor`.")
    first_seen_at: AwareDatetime
    last_seen_at: AwareDatetime
    resolved_at: AwareDatetime | None


class FindingsPage(Page[FindingView]):
    reconciled_at: AwareDatetime | None = Field(
        description="When all books had last been looked through; null before the first time."
    )


class OrderPage(View):
    """An order whole. What a service that cannot be reached would have added is null, and named in `unavailable`."""

    number: OrderNumber
    status: OrderStatus
    placed_at: AwareDatetime
    currency: str
    subtotal_minor: int
    delivery_minor: int
    total_minor: int
    paid_minor: int
    remaining_minor: int
    version: int
    shipping_address: str = Field(description="Where this order goes; the customer's own may have changed since.")
    item_counts: list[StatusCount]
    items: list[ItemView]
    customer: PageCustomer
    tickets: TicketTotals | None
    actions: list[Literal["pay", "cancel", "add_comment"]] = Field(description="What the asking person may do now.")
    findings: list[FindingView] = Field(
        description="What does not add up about it, or its customer. For staff only: always empty for a customer."
    )
    unavailable: list[Literal["billing", "support"]]


# --- Queries of lists -------------------------------------------------------------------------------------------------


class Part(Request):
    """Which part of a list."""

    cursor: Annotated[str, StringConstraints(max_length=300)] | None = Field(
        None, description="`next` of the part before."
    )
    limit: int = Field(50, ge=1, le=100, description="How many at most.")


Search = Annotated[Text, StringConstraints(max_length=200)]
PART = "a part (where it is shorter than three characters, the beginning) of"


class WhichOrders(Part):
    q: Search | None = Field(
        None,
        description=f"The last digits of a number (`23`: ORD-0000000023), or {PART} the customer's name or e-mail.",
    )
    status: OrderStatus | None = None
    customer_id: UUID | None = None


class WhichOwnOrders(Part):
    q: Search | None = Field(None, description="Part of a number: `23` finds ORD-0000000023.")
    status: OrderStatus | None = None
    group: OrderGroup | None = None


class WhichCustomers(Part):
    q: Search | None = Field(None, description=f"{PART.capitalize()} a login, name or e-mail.")


class TheseCustomers(Part):
    """What the gateway itself asks orders for."""

    id: list[UUID]


class WhichTransfers(Part):
    since: Day | None = Field(None, alias="from", description="The first day, UTC.")
    to: Day | None = Field(None, description="The last day, UTC.")


class WhichHolds(Part):
    state: HoldState | None = None
    customer_id: UUID | None = None


class WhichTickets(Part):
    new: bool | None = Field(None, description="true: only those with a message that staff have not read.")


class WhichFindings(Part):
    resolved: bool | None = Field(None, description="true: only those that add up by now; false: only the others.")


class WhichMessages(Request):
    earlier: Annotated[str, StringConstraints(max_length=300)] | None = Field(
        None, description="`earlier` of the part before: the messages ahead of it."
    )
