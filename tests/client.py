"""Asks a service's API as the gateway would, on behalf of a caller."""

import json
from typing import Any
from uuid import UUID, uuid4

import httpx2 as httpx

from shared import auth
from shared.auth import Caller, Role
from shared.contracts.http.together import Kind
from tests.installation import Installation


class Client:
    """One service's API, without a network in between."""

    def __init__(self, http: httpx.AsyncClient, installation: Installation, service: str, usual: Caller) -> None:
        self.http, self.installation, self.service, self.usual = http, installation, service, usual

    async def ask(
        self, method: str, path: str, body: object = None, *, caller: Caller | None = None, key: str = ""
    ) -> httpx.Response:
        """Its answer; `caller` is the usual one where none is named, the key a new one."""
        return await self._ask(self.service, method, path, body, caller or self.usual, key or str(uuid4()))

    async def ask_many(self, kind: Kind, *wishes: dict[str, Any]) -> httpx.Response:
        """Its answer to what several people wish, as `one_of_many` says it."""
        return await self._ask(auth.for_many(self.service), "POST", kind.path, wishes, self.usual, "")

    async def ask_alone(self, kind: Kind, wish: dict[str, Any]) -> httpx.Response:
        """Its answer to one of them, asked as everything else is."""
        customer_id = wish["customer_id"] and UUID(wish["customer_id"])
        caller = Caller(wish["login"], Role(wish["role"]), customer_id)
        body = None
        if kind.method != "GET":
            # Byte for byte as the gateway writes it.
            body = json.dumps(wish["wanted"], ensure_ascii=False, separators=(",", ":")).encode()
        path, key = kind.path_of_one(wish["thing"]), wish.get("idempotency_key", "")
        return await self._ask(self.service, kind.method, path, body, caller, key)

    async def _ask(
        self, audience: str, method: str, path: str, body: object, caller: Caller, key: str
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        headers = {"Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})}
        request = self.http.build_request(method, path, content=content or None, headers=headers)
        signed = auth.sign(
            self.installation.key,
            caller,
            audience,
            method,
            request.url.path,
            query=request.url.query.decode(),
            idempotency_key=key,
            body=content,
        )
        request.headers["Authorization"] = f"Bearer {signed}"
        return await self.http.send(request)


def one_who_looks(thing: str, caller: Caller) -> dict[str, Any]:
    """Who wants to see an order, or something of a customer's."""
    return {
        "thing": thing,
        "login": caller.login,
        "role": caller.role.value,
        "customer_id": str(caller.customer_id) if caller.customer_id else None,
        "correlation_id": f"asks for {thing}",
    }


def one_of_many(thing: str, wanted: dict[str, Any], caller: Caller, key: str = "") -> dict[str, Any]:
    """What somebody wants done with an order or a ticket, under a new key unless one is given."""
    return {**one_who_looks(thing, caller), "wanted": wanted, "idempotency_key": key or str(uuid4())}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal, which must be a problem with a sentence."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["detail"]
    return answer.status_code, body["code"]
