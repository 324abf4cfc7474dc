"""What people write, and what opens doors, stands where it belongs and nowhere else, whatever fails."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.access.canaries import troubles
from tests.access.canaries.misled import mislead_processes
from tests.access.canaries.shop import private_shop
from tests.access.canaries.words import WRITTEN, Heard, found

# What a contract says that an event bears (docs/events.md); all else that people write stays in its service.
BORNE = {"orders.customer_registered.v1": {"login"}, "support.ticket_changed.v1": {"text", "login"}}
# What must still be said: where to look, and what for.
TOLD = [
    ("orders-api.log", "IntegrityError 23514 canary"),
    ("billing-api.log", "IntegrityError 23514 canary"),
    ("support-api.log", "DBAPIError P0001"),
    ("support-api.log", "error='DBAPIError 57014 canceling statement due to statement timeout'"),
    ("billing-worker.log", "error='IntegrityError 23514 canary'"),
    ("gateway.log", "error='IntegrityError 23514 canary'"),
    ("nonsense.log", "service not reached"),
    ("bad-key.log", "PURSER_CALLER_PRIVATE_KEY is not right. It must be Ed25519"),
    ("bad-database.log", "PURSER_DATABASE_URL is not right. It must be postgresql+asyncpg://"),
    ("bad-logins.log", "bootstrap.py"),
    ("orders-worker.log", "relay interrupted"),
    ("wrong-database-password.log", 'DBAPIError 28P01 password authentication failed for user "orders_owner"'),
    ("wrong-broker-password.log", "ACCESS_REFUSED - Login was refused"),
    ("postgres.log", 'ERROR:  new row for relation "customers" violates check constraint "canary"'),
]


@pytest.fixture(scope="module")
async def heard(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Heard]:
    """What comes out of a Purser in which everything fails."""
    async with private_shop(tmp_path_factory.mktemp("canaries")) as shop:
        await shop.sow()
        customer, ticket = await troubles.work_that_goes_well(shop)
        await asyncio.gather(
            troubles.everything_that_is_refused(shop, customer, ticket),
            troubles.what_the_databases_refuse(shop, customer, ticket),
            troubles.events_that_cannot_be_taken(shop),
            mislead_processes(shop),
        )
        await shop.gather_events()
        await troubles.no_database(shop, customer)
        yield await shop.gather()


async def test_no_log_holds_what_people_write_or_what_opens_doors(heard: Heard) -> None:
    assert found(heard.logs, {**WRITTEN, **heard.secrets}) == []


async def test_the_logs_say_what_failed_and_where(heard: Heard) -> None:
    assert [said for log, said in TOLD if said not in heard.logs[log]] == []


async def test_a_refusal_repeats_nothing_of_what_was_sent(heard: Heard) -> None:
    assert len(heard.answers) > 25
    assert found(heard.answers, {**WRITTEN, **heard.secrets}) == []


async def test_metrics_and_readiness_hold_none_of_it(heard: Heard) -> None:
    assert len(heard.shown) == 14
    assert found(heard.shown, {**WRITTEN, **heard.secrets}) == []


async def test_no_span_holds_any_of_it(heard: Heard) -> None:
    assert len({process.partition(" ")[0] for process in heard.spans}) == 7
    assert found(heard.spans, {**WRITTEN, **heard.secrets}) == []


async def test_no_command_line_holds_what_opens_doors(heard: Heard) -> None:
    assert len(heard.commands) > 10
    assert found(heard.commands, heard.secrets) == []


async def test_an_event_bears_what_its_contract_says_and_nothing_else_that_people_write(heard: Heard) -> None:
    assert {kind: held for kind, held in heard.events.items() if held} == BORNE


async def test_a_dead_letter_says_why_without_what_it_holds(heard: Heard) -> None:
    assert len(heard.letters) == 4
    assert found(heard.letters, {**WRITTEN, **heard.secrets}) == []
