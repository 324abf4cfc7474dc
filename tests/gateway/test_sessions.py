"""Signing in and out."""

import asyncio
import json
from datetime import timedelta

import pytest

from gateway.accounts.tries import PER_ADDRESS, PER_LOGIN, PER_LOGIN_AND_ADDRESS, Tries
from gateway.errors import TooManyTries
from shared.auth import Role
from tests.gateway.conftest import PASSWORD, Gateway, code


async def test_signing_in_gives_a_cookie_that_only_this_host_and_no_script_can_read(gateway: Gateway) -> None:
    login, _ = await gateway.account(Role.OPERATOR)
    answer = await gateway.http.post("/api/session", json={"login": login, "password": PASSWORD})
    assert answer.json() == {"login": login, "role": "operator"}
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-purser=")
    assert {part.strip() for part in cookie.split(";")[1:]} == {
        "HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=43200",
    }  # fmt: skip


async def test_the_cookie_tells_who_one_is(gateway: Gateway) -> None:
    login, customer_id = await gateway.account(Role.CUSTOMER)
    token = await gateway.token(login)
    answer = await gateway.http.get("/api/session", headers={"Cookie": f"__Host-purser={token}"})
    assert answer.json() == {"login": login, "role": "customer", "customer_id": str(customer_id)}


async def test_a_program_gets_a_token(gateway: Gateway) -> None:
    login, _ = await gateway.account(Role.ADMIN)
    form = {"grant_type": "password", "username": login, "password": PASSWORD}
    made = (await gateway.http.post("/api/token", data=form)).json()
    assert (made["token_type"], made["expires_in"]) == ("bearer", 43_200)
    who = await gateway.http.get("/api/session", headers={"Authorization": f"Bearer {made['access_token']}"})
    assert who.json() == {"login": login, "role": "admin"}


async def test_signing_out_ends_this_session_only(gateway: Gateway) -> None:
    here = await gateway.person(Role.OPERATOR)
    elsewhere = await gateway.token(here.login)
    assert (await here.ask("DELETE", "/api/session")).status_code == 204
    assert code(await here.ask("GET", "/api/session")) == (401, "unauthenticated")
    here.token = elsewhere
    assert (await here.ask("GET", "/api/session")).status_code == 200


async def test_signing_out_everywhere_ends_all_sessions(gateway: Gateway) -> None:
    person = await gateway.person(Role.OPERATOR)
    elsewhere = await gateway.token(person.login)
    assert (await person.ask("DELETE", "/api/session?everywhere=true")).status_code == 204
    person.token = elsewhere
    assert code(await person.ask("GET", "/api/session")) == (401, "unauthenticated")


async def test_a_session_ends_by_itself(gateway: Gateway) -> None:
    late = await gateway.person(Role.OPERATOR, lasts=timedelta(seconds=-1))
    assert code(await late.ask("GET", "/api/session")) == (401, "unauthenticated")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer forged"}, {"Cookie": "__Host-purser=forged"}])
async def test_nobody_is_refused_and_told_how_to_come_in(gateway: Gateway, headers: dict[str, str]) -> None:
    answer = await gateway.http.get("/api/admin/orders", headers=headers)
    assert code(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_wrong_password_and_an_unknown_login_look_alike(gateway: Gateway) -> None:
    login, _ = await gateway.account(Role.OPERATOR)
    passwordless, _ = await gateway.account(Role.CUSTOMER, None)
    disabled, _ = await gateway.account(Role.OPERATOR, disabled=True)
    tries = [(login, "wrong"), ("nobody", PASSWORD), (passwordless, ""), (disabled, PASSWORD)]
    answers = [await gateway.http.post("/api/session", json={"login": who, "password": what}) for who, what in tries]
    assert {code(answer) for answer in answers} == {(401, "wrong_login_or_password")}
    assert len({answer.text for answer in answers}) == 1


async def test_too_many_wrong_passwords_are_refused_for_a_while(gateway: Gateway) -> None:
    login, _ = await gateway.account(Role.OPERATOR)
    wrong = {"login": login, "password": "wrong"}
    tries = range(PER_LOGIN_AND_ADDRESS.amount + 5)
    answers = await asyncio.gather(*(gateway.http.post("/api/session", json=wrong) for _ in tries))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 5
    assert {code(answer) for answer in refused} == {(429, "too_many_tries")}
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60
    right = await gateway.http.post("/api/session", json={"login": login, "password": PASSWORD})
    assert code(right) == (429, "too_many_tries")


async def test_the_right_password_forgets_the_wrong_ones() -> None:
    tries = Tries()
    for _ in range(3 * PER_LOGIN_AND_ADDRESS.amount):
        await tries.begin("ann", "192.0.2.1")
        await tries.succeeded("ann", "192.0.2.1")
    await tries.begin("ann", "192.0.2.1")


async def test_a_stranger_elsewhere_locks_nobody_out() -> None:
    tries = Tries()
    with pytest.raises(TooManyTries):
        for _ in range(PER_LOGIN_AND_ADDRESS.amount + 1):
            await tries.begin("ann", "192.0.2.66")
    await tries.begin("ann", "192.0.2.1")


async def test_an_address_that_tries_many_logins_is_refused() -> None:
    tries = Tries()
    with pytest.raises(TooManyTries):
        for number in range(PER_ADDRESS.amount + 1):
            await tries.begin(f"login-{number}", "192.0.2.66")


async def test_who_has_many_addresses_is_refused_and_the_person_at_theirs_is_not() -> None:
    tries = Tries()
    await tries.begin("ann", "192.0.2.1")
    await tries.succeeded("ann", "192.0.2.1")
    with pytest.raises(TooManyTries):
        for number in range(PER_LOGIN.amount + 1):
            await tries.begin("ann", f"198.51.100.{number}")
    await tries.begin("ann", "192.0.2.1")
    await tries.begin("bob", "198.51.100.1")


async def test_all_addresses_of_one_ipv6_network_are_one() -> None:
    tries = Tries()
    with pytest.raises(TooManyTries):
        for number in range(PER_LOGIN_AND_ADDRESS.amount + 1):
            await tries.begin("ann", f"2001:db8:0:66::{number}")
    await tries.begin("ann", "2001:db8:0:67::1")


@pytest.mark.parametrize(
    "body",
    [
        {"login": "a"},
        {"login": "a", "password": "x" * 1025},
        {"login": "a", "password": "ä" * 600},
        {"login": "a", "password": "\u0000"},
        {"login": "a", "password": "\ud800"},
        {"login": "a" * 101, "password": "x"},
        {"login": "a", "password": True},
        {"login": "a", "password": "x", "role": "admin"},
    ],
)
async def test_what_cannot_be_a_sign_in_is_refused_without_repeating_it(gateway: Gateway, body: object) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await gateway.http.post("/api/session", content=json.dumps(body), headers=headers)
    assert code(answer) == (422, "invalid_request")
    assert "xxx" not in answer.text


async def test_a_bad_token_form_is_a_problem_too(gateway: Gateway) -> None:
    bad = await gateway.http.post("/api/token", data={"grant_type": "implicit", "username": "a", "password": "b"})
    assert code(bad) == (422, "invalid_request")
    wrong = await gateway.http.post("/api/token", data={"username": "nobody", "password": "b"})
    assert code(wrong) == (401, "wrong_login_or_password")
