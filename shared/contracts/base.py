"""Words that every contract is made of."""

import re
from datetime import date
from typing import Annotated, Any, ClassVar
from unicodedata import category

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

LARGEST_AMOUNT_MINOR = 10**12

# Integers are strict everywhere: `true`, "12" and 1e3 are not amounts.
Amount = Annotated[int, Field(strict=True, gt=0, le=LARGEST_AMOUNT_MINOR)]
"""Money that moves: minor units, above zero."""

Price = Annotated[int, Field(strict=True, ge=0, le=LARGEST_AMOUNT_MINOR)]
"""What something costs: minor units, possibly nothing."""

Sum = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
"""Amounts added up: minor units."""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217."""

Version = Annotated[int, Field(strict=True, ge=1, lt=2**63)]
"""Counts an aggregate's changes, from 1, by one."""

OrderNumber = Annotated[str, StringConstraints(pattern=r"^ORD-[0-9]{10}$")]

Line = Annotated[int, Field(strict=True, ge=1, le=100_000)]
"""An item's place in its order."""


def _day(given: object) -> object:
    """By itself pydantic takes seconds since 1970 as well."""
    if isinstance(given, str) and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
        raise ValueError("must be a day as 2026-01-31")
    return given


Day = Annotated[date, BeforeValidator(_day)]


def storable(text: str) -> str:
    """PostgreSQL takes any text but NUL; UTF-8 takes any but a lone surrogate."""
    if "\x00" in text:
        raise ValueError("must not contain the NUL character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must be valid Unicode, without lone surrogates")
    return text


Text = Annotated[str, AfterValidator(storable)]


def _said(text: str) -> str:
    # Separators, controls, and characters that only format others show nothing.
    if all(category(character)[0] in "CZ" for character in text):
        raise ValueError("must not be blank")
    return text


Said = Annotated[Text, AfterValidator(_said)]
"""Text that says something: not blank."""


class Event(BaseModel):
    """Something that happened to one aggregate, told on the exchange `purser.events`.

    A reader ignores fields it does not know, so that an optional field can be added within a version.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    routing_key: ClassVar[str]
    aggregate: ClassVar[str]
    _subject_field: ClassVar[str]

    version: Version
    at: AwareDatetime

    def __init_subclass__(cls, routing_key: str = "", aggregate: str = "", subject: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if routing_key:
            cls.routing_key, cls.aggregate, cls._subject_field = routing_key, aggregate, subject

    @property
    def subject(self) -> str:
        """The aggregate's id."""
        return str(getattr(self, self._subject_field))
