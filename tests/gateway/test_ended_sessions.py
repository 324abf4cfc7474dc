"""A session is remembered, and its end is not: it holds at once, whoever has ended it."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event

from gateway.accounts import queries, sessions
from gateway.accounts.commands.sign_in import hash_token
from shared.auth import Role
from shared.db import Database
from tests.eventually import eventually
from tests.gateway.conftest import Gateway, Person, running_gateway
from tests.installation import Installation


@pytest.fixture(autouse=True)
def _only_news_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered would be asked again long after these tests."""
    monkeypatch.setattr(sessions, "REMEMBERED_SECONDS", 3600.0)


@pytest.fixture
async def elsewhere(gateway: Gateway, installation: Installation) -> AsyncIterator[Gateway]:
    """Another gateway on the same database."""
    async with running_gateway(installation) as other:
        yield other


@contextmanager
def statements(gateway: Gateway) -> Iterator[list[str]]:
    """What this gateway asks its database meanwhile, but for looking whether it is there."""
    asked: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if "sessions" in statement:
            asked.append(statement)

    engine = gateway.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


async def status(person: Person, at: Gateway | None = None) -> int:
    who = person if at is None else Person(at.http, person.login, person.token, person.id)
    return (await who.ask("GET", "/api/session")).status_code


async def remembered(person: Person, at: Gateway) -> None:
    """This gateway answers without asking its database."""

    async def is_remembered() -> bool:
        assert await status(person, at) == 200
        with statements(at) as asked:
            assert await status(person, at) == 200
        return not asked

    await eventually(is_remembered, "a session that is remembered")


async def test_who_has_just_asked_is_known_without_the_database(gateway: Gateway) -> None:
    await remembered(await gateway.person(Role.OPERATOR), gateway)


async def test_who_signs_out_is_out_here_at_once_and_elsewhere_in_a_moment(
    gateway: Gateway, elsewhere: Gateway
) -> None:
    person = await gateway.person(Role.CUSTOMER)
    await remembered(person, gateway)
    await remembered(person, elsewhere)
    assert (await person.ask("DELETE", "/api/session")).status_code == 204
    assert await status(person) == 401

    async def is_out() -> bool:
        return await status(person, elsewhere) == 401

    await eventually(is_out, "the other gateway refuses the session")


@pytest.mark.parametrize(("change", "then"), [({"disabled": True}, 401), ({"password": "a new and longer one"}, 401)])
async def test_a_login_that_is_taken_away_is_refused_here_at_once_and_elsewhere_in_a_moment(
    gateway: Gateway, elsewhere: Gateway, change: dict[str, object], then: int
) -> None:
    admin, person = await gateway.person(Role.ADMIN), await gateway.person(Role.OPERATOR)
    await remembered(person, gateway)
    await remembered(person, elsewhere)
    assert (await admin.ask("PATCH", f"/api/admin/staff/{person.login}", change)).status_code == 200
    assert await status(person) == then

    async def is_out() -> bool:
        return await status(person, elsewhere) == then

    await eventually(is_out, "the other gateway refuses the login")


async def test_another_role_holds_here_at_once_and_elsewhere_in_a_moment(gateway: Gateway, elsewhere: Gateway) -> None:
    admin, person = await gateway.person(Role.ADMIN), await gateway.person(Role.ADMIN)
    there = Person(elsewhere.http, person.login, person.token, None)
    await remembered(person, gateway)
    await remembered(person, elsewhere)
    changed = await admin.ask("PATCH", f"/api/admin/staff/{person.login}", {"role": "operator"})
    assert changed.status_code == 200
    assert (await person.ask("GET", "/api/admin/staff")).status_code == 403

    async def may_no_more() -> bool:
        return (await there.ask("GET", "/api/admin/staff")).status_code == 403

    await eventually(may_no_more, "the other gateway knows the new role")


async def test_what_ends_while_a_gateway_cannot_hear_is_not_remembered_afterwards(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    hearing: list[int] = []
    add_listener = asyncpg.Connection.add_listener

    async def note_who_hears(self: "asyncpg.Connection[Any]", channel: str, told: Any) -> None:
        await add_listener(self, channel, told)
        if channel == sessions.CHANNEL:
            hearing.append(self.get_server_pid())

    monkeypatch.setattr(asyncpg.Connection, "add_listener", note_who_hears)
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(running_gateway(installation))
        person = await gateway.person(Role.OPERATOR)
        await remembered(person, gateway)
        connection = await asyncpg.connect(installation.superuser_url("gateway"))
        stack.push_async_callback(connection.close)
        # Both at once: the end is told to nobody.
        async with connection.transaction():
            await connection.execute("ALTER TABLE sessions DISABLE TRIGGER session_ended")
            await connection.execute("DELETE FROM sessions WHERE login = $1", person.login)
            await connection.execute("ALTER TABLE sessions ENABLE TRIGGER session_ended")
        assert await status(person) == 200, "nobody has told of it"
        await connection.execute("SELECT pg_terminate_backend($1)", hearing[0])

        async def is_out() -> bool:
            return (await person.ask("GET", "/api/session")).status_code == 401

        await eventually(is_out, "what was remembered is forgotten with the connection that hears")


async def test_whose_end_crosses_with_the_answer_about_it_is_not_remembered(gateway: Gateway) -> None:
    person = await gateway.person(Role.OPERATOR)
    remembering = gateway.app.state.sessions

    async def found_and_then_ended(database: Database, token_hashes: Sequence[bytes]) -> object:
        found = await asked(database, token_hashes)
        remembering.forget(person.login)
        return found

    asked = queries.find_sessions
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queries, "find_sessions", found_and_then_ended)
        assert await status(person) == 200
    with statements(gateway) as looked:
        await status(person)
    assert looked


async def test_all_who_come_at_one_time_are_looked_up_together(gateway: Gateway) -> None:
    people = [await gateway.person(Role.OPERATOR) for _ in range(20)]
    nobody = hash_token("made up")
    find_caller = gateway.app.state.sessions.find_caller
    with statements(gateway) as looked:
        found = await asyncio.gather(find_caller(nobody), *(find_caller(hash_token(person.token)) for person in people))
    assert len(looked) == 1
    assert [caller and caller.login for caller in found] == [None, *(person.login for person in people)]
