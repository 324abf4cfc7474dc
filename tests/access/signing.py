"""What the gateway signs, and what others would like it to have signed."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared import auth
from shared.auth import Caller


@dataclass(frozen=True)
class Asked:
    """A request to a service, before it is signed."""

    service: str
    method: str
    path: str
    query: str = ""
    idempotency_key: str = ""
    body: bytes = b""

    def signed(self, key: Ed25519PrivateKey, caller: Caller, **other: Any) -> str:
        """The gateway's word for it, or for one that differs in `other`."""
        it = replace(self, **other)
        return auth.sign(
            key,
            caller,
            it.service,
            it.method,
            it.path,
            query=it.query,
            idempotency_key=it.idempotency_key,
            body=it.body,
        )

    def resigned(self, key: Ed25519PrivateKey, caller: Caller, **claims: Any) -> str:
        """The same word with other claims, signed by `key`."""
        said = jwt.decode(self.signed(key, caller), options={"verify_signature": False})
        return jwt.encode({**said, **claims}, key, algorithm="EdDSA")

    async def send(self, http: httpx.AsyncClient, authorization: str) -> httpx.Response:
        headers = {"Content-Type": "application/json", "Idempotency-Key": self.idempotency_key}
        if authorization:
            headers["Authorization"] = authorization
        target = self.path + (f"?{self.query}" if self.query else "")
        return await http.request(self.method, target, content=self.body or None, headers=headers)


def asked(service: str, method: str, path: str, body: object = None, query: str = "") -> Asked:
    content = b"" if body is None else json.dumps(body).encode()
    return Asked(service, method, path, query, str(uuid4()), content)


def seconds_from_now(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
