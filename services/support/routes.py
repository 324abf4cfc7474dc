"""Support's door for HTTP: each route is one call."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.support import positions, queries, views
from services.support.commands.add_message import Saying, add_message, add_message_held
from services.support.commands.begin_ticket import begin_ticket
from services.support.commands.close_ticket import close_ticket
from services.support.commands.read_ticket import read_ticket
from services.support.commands.recount_tickets import recount_tickets
from services.support.errors import UnknownCustomer
from services.support.models import Ticket
from services.support.views import Line
from shared.acts import list_acts
from shared.auth import Caller
from shared.bodies import UnambiguousRoute
from shared.contracts.http.base import ActView, Page
from shared.contracts.http.reconciliation import CountsPosition, ShopCountPosition, ToldAgain
from shared.contracts.http.support import (
    AddMessage,
    BeginTicket,
    MessageView,
    ReadTicket,
    ShopCounts,
    TicketCounts,
    TicketRow,
    TicketView,
)
from shared.contracts.http.together import MESSAGES, MOST, TICKET_COUNTS, Answer, CustomerAsked, MessageWanted
from shared.cursors import Cursor, Ids, Limit, Many, decode_cursor, decode_place, encode_cursor, encode_place
from shared.errors import Refusal
from shared.together import FOR_MANY, Act, One, answer_many, show_each
from shared.web import Asking, Claimed, Once, OwnDatabase, Reading, Session, edge

router = APIRouter(route_class=UnambiguousRoute, tags=["support"])
MESSAGES_AT_ONCE = 100


async def _own_or_staff(customer_id: UUID, caller: Asking) -> Caller:
    return _seeing(customer_id, caller)


def _seeing(customer_id: UUID, caller: Caller) -> Caller:
    if not caller.may_see(customer_id):
        raise UnknownCustomer
    return caller


Seeing = Annotated[Caller, Depends(_own_or_staff)]


async def _page(
    session: AsyncSession, customer_id: UUID | None, new: bool | None, cursor: str | None, limit: int
) -> Page[TicketRow]:
    found = await queries.list_tickets(session, customer_id, new, decode_place(cursor), limit + 1)
    shown = found[:limit]
    next_ = encode_place(shown[-1].changed_at, shown[-1].id) if len(found) > limit else None
    return Page(items=[views.ticket_row(ticket) for ticket in shown], next=next_)


def _conversation(ticket: Ticket, newest_first: Sequence[Line], caller: Caller) -> TicketView:
    shown = newest_first[:MESSAGES_AT_ONCE]
    earlier = encode_cursor(shown[-1][0].seq) if len(newest_first) > MESSAGES_AT_ONCE else None
    return views.ticket_view(ticket, shown, earlier, caller.is_staff)


@router.get("/customers/{customer_id}/tickets")
async def list_customer_tickets(
    customer_id: UUID, session: Reading, _: Seeing, cursor: Cursor = None, limit: Limit = 50
) -> Page[TicketRow]:
    """A customer's conversations, the one that changed last first."""
    return await _page(session, customer_id, None, cursor, limit)


@router.post("/customers/{customer_id}/tickets", status_code=201)
async def begin(customer_id: UUID, wanted: BeginTicket, session: Session, caller: Seeing, once: Once) -> TicketView:
    """Begin a conversation."""

    async def begun() -> TicketView:
        ticket, lines = await begin_ticket(session, caller, customer_id, wanted)
        return _conversation(ticket, lines[::-1], caller)

    return await once(TicketView, begun)


@router.get("/customers/{customer_id}/ticket-counts")
async def get_ticket_counts(customer_id: UUID, session: Reading, _: Seeing) -> TicketCounts:
    """A customer's conversations, counted."""
    return views.counts_view(customer_id, await queries.find_counts(session, customer_id))


@router.post("/for-many/ticket-counts", dependencies=FOR_MANY, response_model=list[Answer | None])
async def get_ticket_counts_for_many(
    asked: Annotated[list[CustomerAsked], Field(max_length=MOST)], session: Reading
) -> Response:
    """Customers' conversations, counted, each as whoever asks may see it."""

    async def see_all(ones: Sequence[One[UUID]]) -> Sequence[TicketCounts | Refusal]:
        counts = await queries.list_counts(session, {one.thing for one in ones})

        def show(customer_id: UUID, caller: Caller) -> TicketCounts:
            _seeing(customer_id, caller)
            return views.counts_view(customer_id, counts.get(customer_id))

        return show_each(ones, show)

    return await answer_many([One(TICKET_COUNTS, each) for each in asked], see_all)


@router.get("/customers/{customer_id}/acts")
async def get_acts(customer_id: UUID, session: Reading, caller: Asking) -> list[ActView]:
    """What staff did with a customer's conversations, other than writing in them, newest first."""
    caller.require_staff()
    return await list_acts(session, str(customer_id))


@router.get("/ticket-counts")
async def get_shop_counts(session: Reading, caller: Asking) -> ShopCounts:
    """New tickets of all customers."""
    caller.require_staff()
    return ShopCounts.model_validate(await queries.get_shop_count(session), from_attributes=True)


@router.get("/ticket-counts/of-customers")
async def list_ticket_counts(session: Reading, caller: Asking, customer_id: Ids = ()) -> list[TicketCounts]:
    """The conversations of each of these customers, counted."""
    caller.require_staff()
    counts = await queries.list_counts(session, customer_id)
    return [views.counts_view(each, counts.get(each)) for each in customer_id]


@router.get("/tickets")
async def list_tickets(
    session: Reading,
    caller: Asking,
    new: Annotated[bool | None, Query(description="Only those that are new, or that are not.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[TicketRow]:
    """Conversations of all customers, the one that changed last first."""
    caller.require_staff()
    return await _page(session, None, new, cursor, limit)


@router.get("/tickets/{ticket_id}")
async def get_ticket(
    ticket_id: UUID,
    session: Reading,
    caller: Asking,
    earlier: Annotated[str | None, Query(max_length=300, description="`earlier` of the part after.")] = None,
) -> TicketView:
    """A conversation's newest messages, newest last, or those before."""
    ticket = await queries.get_ticket(session, ticket_id, caller)
    [before_seq] = decode_cursor(earlier, int) if earlier is not None else [None]
    found = await queries.list_messages(session, ticket.id, before_seq, MESSAGES_AT_ONCE + 1)
    return _conversation(ticket, found, caller)


@router.post("/messages", dependencies=FOR_MANY, response_model=list[Answer | None])
async def add_many(asked: Annotated[list[MessageWanted], Field(max_length=MOST)], database: OwnDatabase) -> Response:
    """Say something in conversations, each on behalf of whoever asks, in one transaction; null where somebody has the
    conversation in hand: ask that alone."""

    async def say_all(ones: Sequence[Act[UUID, AddMessage]]) -> Sequence[MessageView | Refusal | None]:
        sayings = [Saying(one.caller, one.thing, one.wanted, one.claim, one.context) for one in ones]
        async with edge(database) as session:
            return await add_message(session, sayings)

    return await answer_many([Act(MESSAGES, each) for each in asked], say_all)


@router.post("/tickets/{ticket_id}/messages", status_code=201)
async def add(ticket_id: UUID, wanted: AddMessage, caller: Asking, claim: Claimed, session: Session) -> MessageView:
    """Say something in a conversation, and wait for whoever has it in hand."""
    return await add_message_held(session, Saying(caller, ticket_id, wanted, claim))


@router.post("/tickets/{ticket_id}/read")
async def read(ticket_id: UUID, session: Session, caller: Asking, wanted: ReadTicket | None = None) -> TicketRow:
    """Have read a conversation, up to its newest message or the one named."""
    return await read_ticket(session, caller, ticket_id, wanted.up_to if wanted else None)


@router.post("/tickets/{ticket_id}/close")
async def close(ticket_id: UUID, session: Session, caller: Asking) -> TicketRow:
    """Close a conversation; the next message opens it again."""
    return await close_ticket(session, caller, ticket_id)


@router.get("/positions/counts")
async def list_counts_positions(
    session: Reading, caller: Asking, after: UUID | None = None, limit: Many = 500
) -> list[CountsPosition]:
    """How customers' tickets are kept counted, beside a recount, by customer."""
    caller.require_admin()
    return await positions.list_counts_positions(session, after, limit)


@router.get("/positions/shop")
async def get_shop_count_position(session: Reading, caller: Asking) -> ShopCountPosition:
    """How new tickets of all customers are kept counted, beside a recount."""
    caller.require_admin()
    return await positions.get_shop_count_position(session)


@router.post("/customers/{customer_id}/recount")
async def recount(customer_id: UUID, session: Session, caller: Asking) -> ToldAgain:
    """Count a customer's tickets, and the shop's new ones, anew."""
    return await recount_tickets(session, caller, customer_id)
