"""Each line of the file judged by itself: what it says, exactly, or why it cannot be taken."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.orders.importer.form import Form
from shared.contracts.base import LARGEST_AMOUNT_MINOR

LARGEST_QUANTITY = 1_000_000
LONGEST = {"invoice": 100, "sku": 100, "title": 300, "address": 500, "customer": 100}
NUMBER = re.compile(r"[+-]?[0-9]{1,13}(\.[0-9]{1,12})?")


class LineRefused(Exception):
    """A line cannot be taken; the sentence says why."""


@dataclass(frozen=True)
class Line:
    """One line of the file; `refusal` says why it cannot be taken, otherwise the rest is sound."""

    number: int
    invoice: str = ""
    refusal: str = ""
    sku: str = ""
    title: str = ""
    quantity: int = 0
    price_minor: int = 0
    at: datetime | None = None
    customer: str = ""
    address: str = ""


def check_line(number: int, texts: Mapping[str, str], form: Form) -> Line:
    """The line's meaning, or its refusal."""
    try:
        for what, most in LONGEST.items():
            _check_text(what, texts.get(what, ""), most)
    except LineRefused as refusal:
        # Its invoice too may be something that cannot be stored, or shown.
        return Line(number, refusal=str(refusal))
    try:
        return _check(number, texts, form)
    except LineRefused as refusal:
        return Line(number, texts["invoice"], refusal=str(refusal))


def _check_text(what: str, text: str, most: int) -> None:
    if "\x00" in text:
        raise LineRefused(f"{what} has a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise LineRefused(f"{what} is not valid Unicode")
    if len(text) > most:
        raise LineRefused(f"{what} is longer than {most} characters")


def _check(number: int, texts: Mapping[str, str], form: Form) -> Line:
    cancels = form.cancels(texts["invoice"])
    for what in ("invoice", "sku"):
        if not texts[what]:
            raise LineRefused(f"no {what}")
    if texts["title"].lower() in form.adjustments:
        raise LineRefused("an adjustment of the bill, not goods")
    quantity = _quantity(texts["quantity"], cancels)
    price_minor = _price(texts["price"], form.digits)
    if not texts["title"] and not cancels:
        raise LineRefused("no title")
    return Line(
        number,
        texts["invoice"],
        sku=texts["sku"],
        title=texts["title"],
        quantity=quantity,
        price_minor=price_minor,
        at=_moment(texts["date"], form),
        # Spreadsheets write whole numbers as 17850.0.
        customer=re.sub(r"\.0$", "", texts.get("customer", "")),
        address=texts.get("address", ""),
    )


def _quantity(text: str, cancels: bool) -> int:
    """Pieces; on a cancellation how many are cancelled."""
    if not NUMBER.fullmatch(text) or Decimal(text) % 1:
        raise LineRefused("quantity is not a whole number")
    pieces = -int(Decimal(text)) if cancels else int(Decimal(text))
    if pieces <= 0:
        raise LineRefused("a cancellation of less than one piece" if cancels else "a correction of stock, not a sale")
    if pieces > LARGEST_QUANTITY:
        raise LineRefused(f"more than {LARGEST_QUANTITY} pieces")
    return pieces


def _price(text: str, digits: int) -> int:
    """Minor units, exactly."""
    if not NUMBER.fullmatch(text):
        raise LineRefused("price is not a number")
    minor = Decimal(text).scaleb(digits)
    if minor % 1:
        raise LineRefused("price has more digits than the currency")
    if minor == 0:
        raise LineRefused("free: costs nothing")
    if minor < 0:
        raise LineRefused("an adjustment: price below zero")
    if minor > LARGEST_AMOUNT_MINOR:
        raise LineRefused("price too large")
    return int(minor)


def _moment(text: str, form: Form) -> datetime:
    """When it was ordered; a date that names its own zone keeps it."""
    try:
        at = datetime.strptime(text, form.date_format)  # noqa: DTZ007
    except ValueError as error:
        raise LineRefused(f"date is not in the form {form.date_format}") from error
    if not 1900 <= at.year <= 2999:
        raise LineRefused("date is not between 1900 and 2999")
    return at if at.tzinfo else at.replace(tzinfo=form.zone)
