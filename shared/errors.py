"""Refusals: what a request can be told instead of what it asked for.

A refusal is a class named for what is wrong; its `code` is that name, for programs, its sentence is for people.
Anything else that is raised is a bug, and answered as a 500 that says nothing about our insides.
"""

import re
from typing import ClassVar


class Refusal(Exception):
    """Refuse a request: nothing is changed. `facts` are added to the problem's body."""

    status: ClassVar[int] = 409
    retry_after_seconds: int | None = None

    def __init__(self, sentence: str, **facts: object) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.facts = facts

    @property
    def code(self) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


class NotFound(Refusal):
    """There is no such thing, or it is another customer's: which of the two is not said."""

    status = 404


class InvalidRequest(Refusal):
    status = 422


class BadCursor(Refusal):
    status = 422


class IdempotencyKeyMissing(Refusal):
    status = 400


class IdempotencyKeyInvalid(Refusal):
    status = 400


class IdempotencyKeyReused(Refusal):
    status = 422


class Unauthenticated(Refusal):
    status = 401


class Forbidden(Refusal):
    status = 403


class Busy(Refusal):
    """Somebody else holds what this needs; asking again will do."""

    status = 409
    retry_after_seconds = 1


class Unavailable(Refusal):
    """Something this needs is down. Whether it was done is not known: ask again with the same key."""

    status = 503
    retry_after_seconds = 2
