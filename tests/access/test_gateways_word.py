"""The services believe what the gateway signed, for them, now, and for this very request; and nothing else."""

import base64
import hmac
import json
from hashlib import sha256
from typing import Any

import httpx2 as httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared import auth
from shared.auth import Caller, Role
from shared.contracts.http.together import ALL
from tests.access.conftest import Service, World
from tests.access.signing import Asked, asked, seconds_from_now
from tests.access.test_service_matrix import ROUTES, body_of
from tests.client import refusal

ADMIN = Caller("admin", Role.ADMIN)
STRANGER_KEY = Ed25519PrivateKey.generate()


def words(world: World, wanted: Asked) -> dict[str, str]:
    """What somebody bears who reaches a service without going through the gateway."""
    key = world.purser.installation.key
    elsewhere = "billing" if wanted.service != "billing" else "orders"
    signed = {
        "another key": wanted.signed(STRANGER_KEY, ADMIN),
        "another service": wanted.signed(key, ADMIN, service=elsewhere),
        "another service, for many": wanted.signed(key, ADMIN, service=auth.for_many(elsewhere)),
        "another method": wanted.signed(key, ADMIN, method="PUT"),
        "another path": wanted.signed(key, ADMIN, path=wanted.path + "/"),
        "another query": wanted.signed(key, ADMIN, query="limit=1"),
        "another idempotency key": wanted.signed(key, ADMIN, idempotency_key="another"),
        "another body": wanted.signed(key, ADMIN, body=b'{"amount_minor": 2}'),
        "another issuer": wanted.resigned(key, ADMIN, iss="somebody"),
        "expired": wanted.resigned(key, ADMIN, exp=seconds_from_now(-6)),
        "of the future": wanted.resigned(key, ADMIN, iat=seconds_from_now(30), exp=seconds_from_now(60)),
        "not yet": wanted.resigned(key, ADMIN, nbf=seconds_from_now(30)),
        "a customer without a name": wanted.resigned(key, ADMIN, role="customer"),
    }
    session = world.purser.admin.http.headers["Authorization"]
    if wanted.path not in [kind.path for kind in ALL]:
        signed["for many"] = wanted.signed(key, ADMIN, service=auth.for_many(wanted.service))
    bare = {"nothing": "", "no word": "Bearer", "nonsense": "Bearer x.y.z", "a session": session, "basic": "Basic YTpi"}
    return bare | {name: f"Bearer {word}" for name, word in signed.items()}


async def test_without_the_gateways_word_for_this_very_request_nothing_is_answered(
    world: World, service: Service
) -> None:
    """On every route, before anything else is looked at."""
    name, http = service
    wrong = []
    for route in ROUTES[name]:
        if route.who == "anybody":
            continue
        wanted = asked(name, route.method, route.address(world.owner.names()), body_of(route.name, world.owner))
        for what, authorization in words(world, wanted).items():
            answer = await wanted.send(http, authorization)
            if (answer.status_code, answer.json().get("code")) != (401, "unauthenticated"):
                wrong.append(f"{what}: {route.name} {answer.status_code}")
    assert wrong == []


def forged(world: World, wanted: Asked) -> dict[str, str]:
    """Tokens that have fooled libraries: what they say is right, and the gateway has not said it."""
    key = world.purser.installation.key
    public = key.public_key()
    raw = public.public_bytes_raw()
    claims = jwt.decode(wanted.signed(key, ADMIN), options={"verify_signature": False})
    jwk = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(STRANGER_KEY.public_key()))

    def encoded(part: object) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")

    def by_hmac(secret: bytes) -> str:
        """By hand: the library refuses to sign with what looks like a public key."""
        content = encoded({"alg": "HS256", "typ": "JWT"}) + b"." + encoded(claims)
        signature = base64.urlsafe_b64encode(hmac.digest(secret, content, sha256)).rstrip(b"=")
        return (content + b"." + signature).decode()

    def by_stranger(**header: Any) -> str:
        return jwt.encode(claims, STRANGER_KEY, algorithm="EdDSA", headers=header)

    return {
        "alg none": (encoded({"alg": "none", "typ": "JWT"}) + b"." + encoded(claims) + b".").decode(),
        "HS256 with the raw public key": by_hmac(raw),
        "HS256 with the public key as text": by_hmac(base64.b64encode(raw)),
        "HS256 with its PEM": by_hmac(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
        "HS256 with its DER": by_hmac(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
        "a kid that is a path": by_stranger(kid="../../../../dev/null"),
        "a kid that is SQL": by_stranger(kid="' UNION SELECT 'key' --"),
        "a jku": by_stranger(jku="https://evil.example/keys.json"),
        "a jwk": by_stranger(jwk=jwk),
    }


async def test_a_forged_word_is_refused(world: World, service: Service) -> None:
    name, http = service
    address = {"orders": "/orders", "billing": f"/customers/{world.owner.person.id}/balance", "support": "/tickets"}
    wanted = asked(name, "GET", address[name])
    for what, word in forged(world, wanted).items():
        assert refusal(await wanted.send(http, f"Bearer {word}")) == (401, "unauthenticated"), what
    true = wanted.signed(world.purser.installation.key, ADMIN)
    assert (await wanted.send(http, f"Bearer {true}")).status_code == 200


async def test_clocks_may_differ_a_little(world: World) -> None:
    key = world.purser.installation.key
    wanted = asked("support", "GET", "/ticket-counts")
    async with httpx.AsyncClient(base_url=world.service("support"), timeout=30) as http:
        for claims in ({"iat": seconds_from_now(3)}, {"exp": seconds_from_now(-1)}):
            word = wanted.resigned(key, ADMIN, **claims)
            assert (await wanted.send(http, f"Bearer {word}")).status_code == 200


async def test_who_overhears_the_gateways_word_for_a_payment_can_pay_nothing_with_it(world: World) -> None:
    """Played again it is the same request, and has had its effect; for any other it does not hold."""
    customer = await world.purser.new_customer(100)
    money = {"amount_minor": 30, "currency": "USD"}
    wanted = asked("billing", "POST", f"/customers/{customer.id}/withdrawals", money)
    word = f"Bearer {wanted.signed(world.purser.installation.key, ADMIN)}"
    async with httpx.AsyncClient(base_url=world.service("billing"), timeout=30) as http:
        first, again = await wanted.send(http, word), await wanted.send(http, word)
        assert (first.status_code, again.status_code, again.text) == (201, 201, first.text)
        for other in (
            asked("billing", "POST", wanted.path, money),
            Asked(
                "billing",
                "POST",
                wanted.path,
                idempotency_key=wanted.idempotency_key,
                body=wanted.body.replace(b"30", b"31"),
            ),
            asked("billing", "POST", wanted.path.replace("withdrawals", "deposits"), money),
        ):
            assert refusal(await other.send(http, word)) == (401, "unauthenticated")
    assert (await customer.get("/balance"))["balance_minor"] == 70
