"""Staff register somebody who will order."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.orders.errors import LoginTaken
from services.orders.models.customer import Customer
from services.orders.views import customer_view
from shared import outbox
from shared.acts import record_act
from shared.auth import Caller
from shared.contracts.http.orders import CustomerView, RegisterCustomer
from shared.contracts.orders import CustomerRegistered
from shared.ids import new_id


async def register_customer(session: AsyncSession, caller: Caller, wanted: RegisterCustomer) -> CustomerView:
    """Refuses `Forbidden`, `LoginTaken`."""
    caller.require_staff()
    customer = Customer(id=new_id(), **wanted.model_dump())
    await add_customer(session, customer)
    await record_act(session, caller, "register_customer", str(customer.id))
    return customer_view(customer)


async def add_customer(session: AsyncSession, customer: Customer) -> UUID:
    """Keep a new customer, and tell of them. Refuses `LoginTaken`."""
    row = {name: getattr(customer, name) for name in ("id", "login", "name", "phone", "email", "shipping_address")}
    added = await session.execute(insert(Customer).values(row).on_conflict_do_nothing().returning(Customer.id))
    if added.first() is None:
        raise LoginTaken(customer.login)
    registered = CustomerRegistered(customer_id=customer.id, login=customer.login, version=1, at=datetime.now(UTC))
    await outbox.record(session, registered)
    return customer.id
