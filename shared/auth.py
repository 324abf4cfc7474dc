"""Who is asking: the gateway signs it for one service, one request and a minute; the service believes nobody else."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.errors import Forbidden, Unauthenticated

LIFETIME = timedelta(seconds=60)
# The clocks of two machines are never quite the same.
LEEWAY = timedelta(seconds=5)


class Role(StrEnum):
    """operator: orders and tickets · financier: the same, and money · admin: everything · customer: their own."""

    OPERATOR = "operator"
    FINANCIER = "financier"
    ADMIN = "admin"
    CUSTOMER = "customer"


@dataclass(frozen=True)
class Caller:
    """The person on whose behalf the gateway asks."""

    login: str
    role: Role
    customer_id: UUID | None = None

    @property
    def is_staff(self) -> bool:
        return self.role is not Role.CUSTOMER

    @property
    def moves_money(self) -> bool:
        return self.role in (Role.FINANCIER, Role.ADMIN)

    def may_see(self, customer_id: UUID) -> bool:
        """Staff see everybody's, a customer only their own."""
        return self.is_staff or self.customer_id == customer_id

    def require_staff(self) -> None:
        if not self.is_staff:
            raise Forbidden("This is for the shop's staff.")

    def require_money_right(self) -> None:
        """Deposits and withdrawals, and paying for somebody else: financiers and admins."""
        if not self.moves_money:
            raise Forbidden("Moving a customer's money takes the role financier or admin.")

    def require_admin(self) -> None:
        """Looking through all the books, and repairing them."""
        if self.role is not Role.ADMIN:
            raise Forbidden("This takes the role admin.")


def private_key(encoded: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(encoded))


def public_keys(encoded: str) -> list[Ed25519PublicKey]:
    return [Ed25519PublicKey.from_public_bytes(base64.b64decode(key)) for key in encoded.split(",")]


def sign(
    key: Ed25519PrivateKey,
    caller: Caller,
    audience: str,
    method: str,
    path: str,
    *,
    query: str = "",
    idempotency_key: str = "",
    body: bytes = b"",
) -> str:
    """The gateway's word, for `audience` (a service) and this very request, on who is asking.

    Overheard, it is good for nothing but the same request again; what moves money has one effect per key.
    """
    now = datetime.now(UTC)
    claims = {
        "iss": "gateway",
        "aud": audience,
        "sub": caller.login,
        "role": caller.role.value,
        "customer_id": str(caller.customer_id) if caller.customer_id else None,
        "request": _digest(method, path, query, idempotency_key, body),
        "iat": now,
        "exp": now + LIFETIME,
    }
    return jwt.encode(claims, key, algorithm="EdDSA")


def verify(
    assertion: str,
    keys: Sequence[Ed25519PublicKey],
    audience: str,
    method: str,
    path: str,
    *,
    query: str = "",
    idempotency_key: str = "",
    body: bytes = b"",
) -> Caller:
    """Read the gateway's word; refuse one that is forged, stale, or meant for another service or request."""
    for key in keys:
        try:
            claims = jwt.decode(
                assertion,
                key,
                algorithms=["EdDSA"],
                audience=audience,
                issuer="gateway",
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "sub", "aud", "iss", "role", "request"]},
            )
        except jwt.InvalidSignatureError:
            continue
        except jwt.InvalidTokenError:
            break
        if claims["request"] != _digest(method, path, query, idempotency_key, body):
            break
        customer_id = claims.get("customer_id")
        if (claims["role"] == Role.CUSTOMER) != bool(customer_id):
            break
        return Caller(claims["sub"], Role(claims["role"]), UUID(customer_id) if customer_id else None)
    raise Unauthenticated("The request does not bear the gateway's valid word on who is asking.")


def for_many(service: str) -> str:
    """The audience of a word that stands for none of the many on whose behalf it asks: the request names each of them.

    It opens nothing else, and no other word opens what it is for.
    """
    return f"{service}/many"


def _digest(method: str, path: str, query: str, idempotency_key: str, body: bytes) -> str:
    head = json.dumps([method, path, query, idempotency_key]).encode()
    return hashlib.sha256(head + b"\n" + body).hexdigest()
