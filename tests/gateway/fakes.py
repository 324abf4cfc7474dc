"""Stand-ins for the services, answering real HTTP as they are told to, and remembering what they were asked."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI, Request, Response

from shared import auth
from shared.auth import Caller, Role
from shared.contracts.http.together import ALL, Kind
from tests.installation import Installation, serving

METHODS = ["GET", "POST", "PATCH"]
MANY = {kind.path: kind for kind in ALL}


@dataclass(frozen=True)
class Asked:
    """A request that came through the gateway."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]
    caller: Caller


@dataclass
class Fake:
    """One service: what it answers to `METHOD path`, once it may, and what it was asked; of how many at once, and what
    it answers only alone."""

    name: str
    installation: Installation
    url: str = ""
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    sizes: list[int] = field(default_factory=list)
    only_alone: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        for remembered in (self.answers, self.headers, self.asked, self.sizes, self.only_alone):
            remembered.clear()
        self.was_asked, self.may_answer, self.may_answer_alone = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.may_answer.set()
        self.may_answer_alone.set()

    async def answer(self, request: Request) -> Response:
        bearer = request.headers["Authorization"].removeprefix("Bearer ")
        path, body, many = request.url.path, await request.body(), MANY.get(request.url.path)
        caller = auth.verify(
            bearer,
            auth.public_keys(self.installation.public_key),
            auth.for_many(self.name) if many else self.name,
            request.method,
            path,
            query=request.url.query,
            idempotency_key=request.headers.get("Idempotency-Key", ""),
            body=body,
        )
        if many:
            return await self.answer_many(many, json.loads(body))
        asked = Asked(request.method, path, dict(request.query_params), body, dict(request.headers), caller)
        await self.may_answer_alone.wait()
        status, answer, kind = await self.told(asked)
        return Response(answer, status, self.headers, media_type=kind)

    async def told(self, asked: Asked) -> tuple[int, str, str]:
        """The answer to what was asked, which is remembered."""
        self.asked.append(asked)
        self.was_asked.set()
        await self.may_answer.wait()
        status, answer = self.answers.get(f"{asked.method} {asked.path}", (404, problem(404, "not_found")))
        kind = "application/problem+json" if status >= 400 else "application/json"
        return status, json.dumps(answer, default=str), kind

    async def answer_many(self, kind: Kind, many: list[dict[str, Any]]) -> Response:
        """Each is remembered, and answered, as if it was asked alone, unless it can only be that."""
        self.sizes.append(len(many))
        if refusal := self.answers.get(f"POST {kind.path}"):
            self.was_asked.set()
            await self.may_answer.wait()
            return Response(json.dumps(refusal[1]), refusal[0], media_type="application/problem+json")
        answers: list[dict[str, Any] | None] = []
        for one in many:
            asked = _as_asked_alone(kind, one)
            if asked.path in self.only_alone:
                answers.append(None)
                continue
            status, body, _ = await self.told(asked)
            answers.append({"status": status, "body": body, "retry_after": self.headers.get("Retry-After")})
        return Response(json.dumps(answers), media_type="application/json")

    async def ready(self) -> dict[str, str]:
        """Asked of who was silent, by no caller."""
        return {}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Fake"]:
        app = FastAPI()
        app.add_api_route("/readyz", self.ready)
        app.add_api_route("/{path:path}", self.answer, methods=METHODS)
        async with serving(app) as self.url:
            yield self


def _as_asked_alone(kind: Kind, one: dict[str, Any]) -> Asked:
    customer_id = one.get("customer_id")
    caller = Caller(one["login"], Role(one["role"]), UUID(customer_id) if customer_id else None)
    headers, body = {"x-correlation-id": one["correlation_id"]}, b""
    if kind.method == "POST":
        headers["idempotency-key"], body = one["idempotency_key"], json.dumps(one["wanted"]).encode()
    return Asked(kind.method, kind.path_of_one(one["thing"]), {}, body, headers, caller)


def problem(status: int, code: str) -> dict[str, object]:
    return {"type": "about:blank", "title": code, "status": status, "code": code, "detail": f"It is {code}."}


def order_view(customer_id: UUID, number: str = "ORD-0000000023", **more: object) -> dict[str, object]:
    """An order as the orders service shows it."""
    return {
        "number": number,
        "status": "awaiting_payment",
        "placed_at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        "currency": "USD",
        "subtotal_minor": 900,
        "delivery_minor": 100,
        "total_minor": 1_000,
        "paid_minor": 0,
        "remaining_minor": 1_000,
        "version": 1,
        "shipping_address": "2 Side Street",
        "item_counts": [{"status": "awaiting_payment", "count": 1}],
        "items": [
            {
                "line": 1,
                "sku": "S",
                "title": "Thing",
                "quantity": 1,
                "unit_price_minor": 900,
                "total_minor": 900,
                "status": "awaiting_payment",
                "actions": ["cancelled"],
            }
        ],
        "customer": customer_view(customer_id),
        "active_orders": ["ORD-0000000024"],
        "actions": ["cancel"],
        **more,
    }


def customer_view(customer_id: UUID, login: str = "ann") -> dict[str, object]:
    return {
        "id": customer_id,
        "login": login,
        "name": "Ann",
        "phone": "+1 555 0100",
        "email": "ann@example.org",
        "shipping_address": "1 Main Street",
    }


def balance_view(customer_id: UUID) -> dict[str, object]:
    return {
        "customer_id": customer_id,
        "currency": "USD",
        "balance_minor": 700,
        "held_minor": 200,
        "available_minor": 500,
        "version": 3,
        "actions": ["deposit", "withdraw"],
    }


def invoice_view(customer_id: UUID, number: str = "ORD-0000000023", pay: bool = True) -> dict[str, object]:
    return {
        "order_number": number,
        "total_minor": 1_000,
        "paid_minor": 0,
        "remaining_minor": 1_000,
        "balance": balance_view(customer_id),
        "actions": ["pay"] if pay else [],
    }


def ticket_row(customer_id: UUID) -> dict[str, object]:
    at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC).isoformat()
    return {
        "id": str(uuid4()),
        "customer_id": str(customer_id),
        "order_number": None,
        "subject": "A question",
        "status": "open",
        "new": True,
        "answered": False,
        "messages": 1,
        "begun_at": at,
        "changed_at": at,
        "version": 1,
    }


def ticket_counts(customer_id: UUID) -> dict[str, object]:
    return {"customer_id": customer_id, "new": 1, "total": 4, "answered": 2, "version": 9}
