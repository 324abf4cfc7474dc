"""Who asks too often waits, and nobody else; behind a reverse proxy it is the client who is counted."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx2 as httpx
import pytest
from pydantic import ValidationError

from gateway.accounts.tries import PER_LOGIN_AND_ADDRESS, Tries
from gateway.settings import GatewaySettings
from shared.auth import Role
from tests.gateway.conftest import Gateway, Person, code, running_gateway
from tests.installation import Installation

PAYMENTS_PER_MINUTE = 5
ORDER = "ORD-0000000001"


@pytest.fixture(scope="module")
async def _behind_a_proxy(installation: Installation) -> AsyncIterator[Gateway]:
    told = {"trusted_proxies": "127.0.0.1, 10.0.0.0/8", "customer_payments_per_minute": PAYMENTS_PER_MINUTE}
    async with running_gateway(installation, **told) as gateway:
        yield gateway


@pytest.fixture
def proxied(_behind_a_proxy: Gateway) -> Gateway:
    """A gateway that believes the proxy at our address, and one more behind it."""
    _behind_a_proxy.app.state.tries = Tries()
    return _behind_a_proxy


async def pay(gateway: Gateway, person: Person, door: str) -> httpx.Response:
    gateway.billing.answers[f"POST /orders/{ORDER}/payments"] = (201, {})
    return await person.ask("POST", f"/api/{door}/orders/{ORDER}/payments", {})


async def test_a_customer_who_pays_too_often_waits_and_nobody_else_does(proxied: Gateway) -> None:
    customer, other, financier = [await proxied.person(role) for role in (Role.CUSTOMER, Role.CUSTOMER, Role.FINANCIER)]
    several = range(2 * PAYMENTS_PER_MINUTE)
    answers = await asyncio.gather(*(pay(proxied, customer, "portal") for _ in several))
    refused = [answer for answer in answers if answer.status_code != 201]
    assert len(refused) == len(answers) - PAYMENTS_PER_MINUTE
    assert {code(answer) for answer in refused} == {(429, "too_many_payments")}
    assert all(1 <= int(answer.headers["retry-after"]) <= 60 for answer in refused)
    assert (await pay(proxied, other, "portal")).status_code == 201
    assert {(await pay(proxied, financier, "admin")).status_code for _ in several} == {201}
    assert (await customer.ask("GET", "/api/session")).status_code == 200


async def wrong_tries(gateway: Gateway, login: str, said: list[str]) -> list[int]:
    """The statuses of tries to sign in that say they were passed on for these."""
    wrong = {"login": login, "password": "wrong"}
    return [
        (await gateway.http.post("/api/session", json=wrong, headers={"X-Forwarded-For": each})).status_code
        for each in said
    ]


ENOUGH = PER_LOGIN_AND_ADDRESS.amount
FORGED = [f"198.51.100.{number}" for number in range(ENOUGH)]


async def test_behind_a_proxy_the_client_is_counted_and_not_the_proxy(proxied: Gateway) -> None:
    login = f"nobody-{uuid4().hex}"
    assert await wrong_tries(proxied, login, ["203.0.113.1"] * (ENOUGH + 1)) == [*[401] * ENOUGH, 429]
    assert await wrong_tries(proxied, login, ["203.0.113.2", "203.0.113.2, 10.1.2.3"]) == [401, 401]


async def test_what_the_client_itself_says_before_the_proxy_changes_nothing(proxied: Gateway) -> None:
    login = f"nobody-{uuid4().hex}"
    said = [f"{forged}, 203.0.113.1" for forged in FORGED] + ["203.0.113.1, 10.1.2.3", "203.0.113.1"]
    assert await wrong_tries(proxied, login, said) == [*[401] * ENOUGH, 429, 429]


async def test_unless_told_so_the_gateway_believes_no_proxy(gateway: Gateway) -> None:
    login = f"nobody-{uuid4().hex}"
    assert await wrong_tries(gateway, login, [*FORGED, "203.0.113.1"]) == [*[401] * ENOUGH, 429]


@pytest.mark.parametrize("told", ["*", "nginx", "10.0.0.1/8", "10.0.0.1;10.0.0.2"])
def test_what_names_no_proxy_stops_the_start(told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        GatewaySettings.model_validate({"trusted_proxies": told})
    assert ("trusted_proxies",) in [error["loc"] for error in refused.value.errors()]
