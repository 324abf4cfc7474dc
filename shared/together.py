"""What the gateway asks for many people in one request is done at once: for each under their own key, and in their own
log and trace, as if it was asked alone."""

import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from typing import Any, Generic, TypeVar

import structlog
from fastapi import Depends, Request, Response
from pydantic import BaseModel, TypeAdapter

from shared import auth, tracing
from shared.auth import Caller, Role
from shared.contracts.http.base import Request as Body
from shared.contracts.http.together import Answer, Asked, Kind, Wanted
from shared.correlation import note
from shared.errors import Refusal
from shared.idempotency import Claim
from shared.problems import refused
from shared.web import scope_of, vouched_for

T = TypeVar("T")
W = TypeVar("W", bound=Body)
V = TypeVar("V", bound=BaseModel)
S = TypeVar("S", bound="One[Any]")
_ANSWERS = TypeAdapter(list[Answer | None])


async def _for_many(request: Request) -> None:
    await vouched_for(request, auth.for_many(request.app.state.service))


FOR_MANY = [Depends(_for_many)]


class One(Generic[T]):
    """One of many, from the question to the answer: who wants to see `thing`, and the context it is done in."""

    def __init__(self, kind: Kind, asked: Asked[T]) -> None:
        self._kind, self._path = kind, kind.path_of_one(asked.thing)
        self.thing = asked.thing
        self.caller = Caller(asked.login, Role(asked.role), asked.customer_id)
        self.context = copy_context()
        self.context.run(structlog.contextvars.bind_contextvars, correlation_id=asked.correlation_id)
        self._answering = tracing.answering({tracing.HEADER: asked.traceparent or ""}, "http", self._path)
        self._span = self.context.run(self._answering.__enter__)

    def conclude(self, given: BaseModel | Refusal | None, seconds: float) -> Answer | None:
        """The answer, after so long; None for what must be asked alone."""
        return self.context.run(self._conclude, given, seconds)

    def _conclude(self, given: BaseModel | Refusal | None, seconds: float) -> Answer | None:
        answer = None if given is None else _answer(given, 201 if self._kind.method == "POST" else 200)
        if answer is not None:
            note(self._kind.method, self._path, self._kind.route, answer.status, seconds, self._span)
        self._answering.__exit__(None, None, None)
        return answer


class Act(One[T], Generic[T, W]):
    """One of many, who wants something done with it, once per key."""

    def __init__(self, kind: Kind, asked: Wanted[T, W]) -> None:
        super().__init__(kind, asked)
        self.wanted = asked.wanted
        scope = scope_of(self.caller, kind.method, self._path)
        self.claim = Claim.of(scope, asked.idempotency_key, asked.wanted.model_dump_json(exclude_unset=True).encode())


async def answer_many(
    ones: Sequence[S], do: Callable[[Sequence[S]], Awaitable[Sequence[BaseModel | Refusal | None]]]
) -> Response:
    """What `do` gives for each: a view, a refusal, or None for what must be asked alone."""
    begun = time.perf_counter()
    given: Sequence[BaseModel | Refusal | None] = [None] * len(ones)
    try:
        given = await do(ones)
    finally:
        # Whatever it came to, what each has begun ends.
        seconds = time.perf_counter() - begun
        answers = [one.conclude(each, seconds) for one, each in zip(ones, given, strict=True)]
    return Response(_ANSWERS.dump_json(answers), media_type="application/json")


def show_each(ones: Sequence[One[T]], show: Callable[[T, Caller], V]) -> list[V | Refusal]:
    """What `show` gives for each thing and who wants to see it, or refuses them."""
    return [_shown_or_refused(show, one) for one in ones]


def _shown_or_refused(show: Callable[[T, Caller], V], one: One[T]) -> V | Refusal:
    try:
        return show(one.thing, one.caller)
    except Refusal as refusal:
        return refusal


def _answer(given: BaseModel | Refusal, status: int) -> Answer:
    if isinstance(given, Refusal):
        problem = refused(given)
        body, retry_after = bytes(problem.body).decode(), problem.headers.get("Retry-After")
        return Answer(status=problem.status_code, body=body, retry_after=retry_after)
    return Answer(status=status, body=given.model_dump_json())
