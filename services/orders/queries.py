"""Every SELECT of orders."""

import re
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased, joinedload, selectinload

from services.orders.errors import UnknownCustomer, UnknownOrder
from services.orders.models.customer import Customer
from services.orders.models.order import Order, number_of
from shared.auth import Caller
from shared.contracts.http.orders import OrderGroup
from shared.contracts.orders import OrderStatus
from shared.rows import any_given

GROUPS: dict[OrderGroup, tuple[OrderStatus, ...]] = {
    OrderGroup.AWAITING_PAYMENT: (OrderStatus.AWAITING_PAYMENT, OrderStatus.AWAITING_ADDITIONAL_PAYMENT),
    OrderGroup.ACTIVE: (
        OrderStatus.PAID,
        OrderStatus.IN_HANDLING,
        OrderStatus.READY_TO_SHIP,
        OrderStatus.SHIPPED,
    ),
    OrderGroup.COMPLETED: (OrderStatus.COMPLETED,),
    OrderGroup.CANCELLED: (OrderStatus.CANCELLED,),
}
# Orders of so many customers are found one by one; where there are more, some of them have ordered lately.
FEW = 5_000
ENDED = (OrderStatus.COMPLETED, OrderStatus.CANCELLED)


# Written once: to build a statement costs as much as to send it.
_ONE = (
    select(Order)
    .where(Order.number == bindparam("number"))
    .options(joinedload(Order.customer))
    .execution_options(populate_existing=True)
)
_SEVERAL = (
    select(Order)
    .where(Order.number == any_(bindparam("numbers", type_=ARRAY(BigInteger))))
    .execution_options(populate_existing=True)
)
# With the items, and all as it was at one moment.
_SEVERAL_SEEN = _SEVERAL.options(joinedload(Order.items))
_SEVERAL_SHOWN = _SEVERAL_SEEN.options(joinedload(Order.customer))
# By a second statement: one that has waited for the order would know the items as they were before.
_ONE_HELD = _ONE.options(selectinload(Order.items)).with_for_update(of=Order)
_SEVERAL_HELD = _SEVERAL.options(selectinload(Order.items)).order_by(Order.number).with_for_update()
_OTHER = aliased(Order)
_ACTIVE_BESIDES_ONE = (
    select(_OTHER.number)
    .where(_OTHER.customer_id == Order.customer_id, _OTHER.number != Order.number, _OTHER.status.not_in(ENDED))
    .order_by(_OTHER.number.desc())
    .limit(50)
    .lateral()
)
_ACTIVE = (
    select(Order.number, _ACTIVE_BESIDES_ONE.c.number)
    .join(_ACTIVE_BESIDES_ONE, true())
    .where(Order.number == any_given("numbers", BigInteger()))
    .order_by(Order.number, _ACTIVE_BESIDES_ONE.c.number.desc())
)
_ASKED = func.unnest(bindparam("customer_ids", type_=ARRAY(Uuid))).column_valued("asked")
_NEWEST_OF_ONE = (
    select(Order.number, Order.status, Order.version)
    .where(Order.customer_id == _ASKED)
    .order_by(Order.number.desc())
    .limit(bindparam("limit"))
    .lateral()
)
_NEWEST = select(_ASKED, _NEWEST_OF_ONE).join(_NEWEST_OF_ONE, true())


async def get_customer(session: AsyncSession, customer_id: UUID, caller: Caller) -> Customer:
    """Refuses `UnknownCustomer`, also where it is somebody else."""
    customer = await session.get(Customer, customer_id) if caller.may_see(customer_id) else None
    if customer is None:
        raise UnknownCustomer
    return customer


async def list_customers(
    session: AsyncSession, q: str, ids: Sequence[UUID], after_login: str, limit: int
) -> Sequence[Customer]:
    """Those whose name, e-mail or login holds `q`, by login; where there are `ids`, only these."""
    wanted = select(Customer).where(Customer.login > after_login)
    if ids:
        wanted = wanted.where(Customer.id.in_(ids))
    if q:
        holds = _holds(q, Customer.name, Customer.email, Customer.login)
        wanted = wanted.where(await _is_one_who(session, holds, Customer.id))
    return (await session.scalars(wanted.order_by(Customer.login).limit(limit))).all()


async def get_order(session: AsyncSession, number: str, caller: Caller) -> Order:
    """An order with its items and its customer. Refuses `UnknownOrder`, also where it is another customer's."""
    return seen((await list_shown(session, [number])).get(number), number, caller)


async def list_shown(session: AsyncSession, numbers: Collection[str]) -> dict[str, Order]:
    """Those of the orders that there are, with their items and their customers, as all of it was at one moment."""
    found = await session.scalars(_SEVERAL_SHOWN, {"numbers": [number_of(number) for number in numbers]})
    return {order.name: order for order in found.unique()}


async def lock_order(session: AsyncSession, number: str, caller: Caller) -> Order:
    """As `get_order`, held until the transaction ends. Its row stands for its items: lock it before them."""
    return seen(await session.scalar(_ONE_HELD, {"number": number_of(number)}), number, caller)


async def lock_known_order(session: AsyncSession, number: str) -> Order:
    """An order of which it is known that there is one."""
    return (await session.scalars(_ONE_HELD, {"number": number_of(number)})).one()


async def lock_known_orders(session: AsyncSession, numbers: Collection[str]) -> dict[str, Order]:
    """The orders, with their items, that billing tells about. One that is not there (yet) is an error, to be tried
    again. They are held in the order of their numbers, so that no two who want several wait for each other."""
    wanted = {"numbers": [number_of(number) for number in numbers]}
    found = {order.name: order for order in await session.scalars(_SEVERAL_HELD, wanted)}
    if missing := set(numbers) - found.keys():
        raise NoResultFound(f"there is no order {min(missing)} yet")
    return found


async def find_orders(session: AsyncSession, numbers: Collection[str]) -> dict[str, Order]:
    """Those of the orders that there are, with their items, as all of it was at one moment; nothing is held. Known to
    the session no more."""
    wanted = {"numbers": [number_of(number) for number in numbers]}
    found = (await session.scalars(_SEVERAL_SEEN, wanted)).unique().all()
    session.expunge_all()
    return {order.name: order for order in found}


def seen(order: Order | None, number: str, caller: Caller) -> Order:
    """What the caller may know of; refuses `UnknownOrder`."""
    if order is None or not caller.may_see(order.customer_id):
        raise UnknownOrder(number)
    return order


async def list_orders(
    session: AsyncSession,
    q: str,
    status: OrderStatus | None,
    group: OrderGroup | None,
    customer_id: UUID | None,
    before_number: int | None,
    limit: int,
) -> Sequence[Order]:
    """Orders with their customers, newest first; `q` is the last digits of a number, or a part of a customer's name or
    e-mail."""
    wanted = select(Order).join(Order.customer).options(joinedload(Order.customer))
    newest_first = Order.number.desc()
    if digits := re.fullmatch(r"(?:ord-?)?([0-9]{1,10})", q.strip(), re.IGNORECASE):
        backwards = func.reverse(func.lpad(cast(Order.number, Text), 10, "0"))
        wanted = wanted.where(backwards.like(digits[1][::-1] + "%"))
        if len(digits[1]) > 2:
            # One in 1,000, or fewer: an order that is worked out keeps PostgreSQL from going through all for them.
            newest_first = (Order.number + 0).desc()
    elif q:
        wanted = wanted.where(await _is_one_who(session, _holds(q, Customer.name, Customer.email), Order.customer_id))
    if status is not None:
        wanted = wanted.where(Order.status == status)
    if group is not None:
        wanted = wanted.where(Order.status.in_(GROUPS[group]))
    if customer_id is not None:
        wanted = wanted.where(Order.customer_id == customer_id)
    if before_number is not None:
        wanted = wanted.where(Order.number < before_number)
    return (await session.scalars(wanted.order_by(newest_first).limit(limit))).all()


async def list_newest_orders(
    session: AsyncSession, customer_ids: Sequence[UUID], limit: int
) -> dict[UUID, list[tuple[int, str, int]]]:
    """Number, status and version of the newest orders of each of these customers, newest first."""
    found = dict[UUID, list[tuple[int, str, int]]]()
    for customer_id, *order in await session.execute(_NEWEST, {"customer_ids": list(customer_ids), "limit": limit}):
        found.setdefault(customer_id, []).append(tuple(order))
    return found


async def _is_one_who(
    session: AsyncSession, holds: ColumnElement[bool], customer_id: InstrumentedAttribute[UUID]
) -> ColumnElement[bool]:
    """That this column names a customer of whom something holds.

    Few are named: PostgreSQL guesses how many there are, and where it guesses too many, it looks for them among all.
    """
    # It is not to guess once for whatever is looked for, either: so until this transaction ends.
    await session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    few = (await session.scalars(select(Customer.id).where(holds).limit(FEW + 1))).all()
    return customer_id == any_(cast(few, ARRAY(Uuid))) if len(few) <= FEW else holds


def _holds(q: str, *columns: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """One of them has this part. An index of trigrams finds less than three characters only where they begin a word."""
    part = re.sub(r"([\\%_])", r"\\\1", q.strip().lower())
    patterns = [f"%{part}%"] if len(q.strip()) > 2 else [f"{part}%", f"% {part}%"]
    return or_(*(func.lower(column).like(pattern, escape="\\") for column in columns for pattern in patterns))


async def list_active_besides(session: AsyncSession, numbers: Collection[int]) -> dict[int, list[int]]:
    """For each of these orders the others of its customer that are neither completed nor cancelled, newest first."""
    found: dict[int, list[int]] = {number: [] for number in numbers}
    for number, other in await session.execute(_ACTIVE, {"numbers": list(numbers)}):
        found[number].append(other)
    return found


async def count_overpaid(session: AsyncSession, most: int) -> int:
    """Orders for which more is paid than they cost, as far as is heard: billing has yet to give the rest back."""
    some = select(Order.number).where(Order.paid_minor > Order.total_minor).limit(most)
    return await session.scalar(select(func.count()).select_from(some.subquery())) or 0
