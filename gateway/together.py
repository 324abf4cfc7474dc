"""What many ask of a service at the same time is asked in one request, on behalf of each; while it is being answered,
the others wait for the next. What cannot be answered so at once is asked alone, and keeps nobody waiting."""

import asyncio
from collections.abc import Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from fastapi import Response
from pydantic import BaseModel, TypeAdapter

from gateway.clients import Clients, Service
from shared import tracing
from shared.auth import Caller, Role
from shared.batches import Batches
from shared.contracts.http.together import (
    INVOICES,
    MESSAGES,
    MOST,
    MOST_BYTES,
    ORDERS,
    PAYMENTS,
    TICKET_COUNTS,
    Answer,
    Kind,
)
from shared.errors import Unavailable
from shared.telemetry import current_id

# Whoever it is, the request names on whose behalf each thing in it is asked.
ASKING = Caller("purser", Role.OPERATOR)
# Ten times as long as an answer takes under load: where a service is slow, or says nothing, nobody waits for others.
PATIENCE_SECONDS = 0.1
V = TypeVar("V", bound=BaseModel)
_ANSWERS = TypeAdapter(list[Answer | None])

log = structlog.get_logger()


@dataclass(frozen=True)
class _Question:
    """What somebody wants to see of an order or a customer, or to do with an order or a ticket, then under a key."""

    caller: Caller
    thing: object
    wanted: BaseModel | None
    key: str
    traceparent: str | None
    context: Context = field(default_factory=copy_context)

    def as_one_of_many(self, kind: Kind) -> bytes:
        act = {} if self.wanted is None else {"wanted": self.wanted, "idempotency_key": self.key}
        asked = kind.asked(
            thing=self.thing,
            **act,
            login=self.caller.login,
            role=self.caller.role.value,
            customer_id=self.caller.customer_id,
            correlation_id=self.context.run(current_id),
            traceparent=self.traceparent,
        )
        return asked.model_dump_json(exclude_unset=True).encode()


class _Together:
    """What is asked of one kind."""

    def __init__(self, clients: Clients, kind: Kind) -> None:
        self._clients, self._kind = clients, kind
        self._questions: Batches[_Question, Response] = Batches(
            self._ask, most=MOST, alone=self._ask_alone, patience_seconds=PATIENCE_SECONDS
        )

    async def ask(self, caller: Caller, thing: object, wanted: BaseModel | None = None, key: str = "") -> Response:
        """The service's answer, as `Service.ask` gives it."""
        headers: dict[str, str] = {}
        with tracing.asking(self._kind.service, self._kind.method, headers) as span:
            question = _Question(caller, thing, wanted, key, headers.get(tracing.HEADER))
            answer = await self._questions.ask(question)
            tracing.told(span, answer.status_code)
        return answer

    async def read(self, view: type[V], caller: Caller, thing: object) -> V:
        """What the service knows, as `Service.read` gives it."""
        answer = await self.ask(caller, thing)
        return self._service(caller).understood(view, self._kind.route, answer)

    async def _ask(self, questions: Sequence[_Question]) -> Sequence[Response | Exception | None]:
        bodies, size = list[bytes](), 0
        for question in questions:
            body = question.as_one_of_many(self._kind)
            size += len(body) + 1
            if size > MOST_BYTES:
                break
            bodies.append(body)
        alone = [None] * (len(questions) - len(bodies))
        if not bodies:
            return alone
        service = self._service(ASKING)
        try:
            answer = await service.ask_for_many(self._kind.path, b"[%b]" % b",".join(bodies))
        except Unavailable as error:
            return [error] * len(bodies) + alone
        if answer.status_code == 503:
            return [service.unavailable() for _ in bodies] + alone
        if answer.status_code != 200:
            log.warning("unexpected answer", service=service.name, path=self._kind.path, status=answer.status_code)
            return [None] * len(questions)
        return [
            None if each is None else _response(each) for each in _ANSWERS.validate_json(bytes(answer.body))
        ] + alone

    async def _ask_alone(self, question: _Question) -> Response:
        path = self._kind.path_of_one(question.thing)
        service = self._service(question.caller)
        asking = service.ask(self._kind.method, path, question.wanted, key=question.key)
        return await asyncio.get_running_loop().create_task(asking, context=question.context)

    def _service(self, caller: Caller) -> Service:
        service: Service = getattr(self._clients.on_behalf_of(caller), self._kind.service)
        return service


class Together:
    """All that is asked so."""

    def __init__(self, clients: Clients) -> None:
        self.orders, self.invoices = _Together(clients, ORDERS), _Together(clients, INVOICES)
        self.ticket_counts = _Together(clients, TICKET_COUNTS)
        self.payments, self.messages = _Together(clients, PAYMENTS), _Together(clients, MESSAGES)


def _response(answer: Answer) -> Response:
    headers = {"Retry-After": answer.retry_after} if answer.retry_after else {}
    kind = "application/json" if answer.status < 400 else "application/problem+json"
    return Response(answer.body, answer.status, headers, kind)
