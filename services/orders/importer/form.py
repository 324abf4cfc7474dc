"""How a file is to be read."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

# What the Online Retail data calls that which was done to a bill rather than sold.
ADJUSTMENTS = "Adjust bad debt,AMAZON FEE,Bank Charges,CRUK Commission,Discount,Manual,SAMPLES"
_SOME_DAY = datetime(2010, 12, 1, tzinfo=UTC)


class Unreadable(Exception):
    """The file as a whole cannot be taken, or not in this form; the sentence says why."""


@dataclass(frozen=True)
class Columns:
    """What the file calls things; the defaults are the Online Retail data's. `customer`, `address`: "" for none."""

    invoice: str = "InvoiceNo"
    sku: str = "StockCode"
    title: str = "Description"
    quantity: str = "Quantity"
    date: str = "InvoiceDate"
    price: str = "UnitPrice"
    customer: str = "CustomerID"
    address: str = "Country"

    def places(self, header: list[str]) -> dict[str, int]:
        """Where each stands. Refuses `Unreadable`."""
        names = {what: name for what, name in vars(self).items() if name or what not in ("customer", "address")}
        missing = [name for name in names.values() if name not in header]
        if missing:
            has = ", ".join(header)[:300] or "none at all"
            raise Unreadable(f"The file has no column {', '.join(missing)}; it has {has}. Flags name them: --help.")
        doubled = [name for name in names.values() if header.count(name) > 1]
        if doubled:
            raise Unreadable(f"The file has more than one column {doubled[0]}: which one is meant, cannot be told.")
        return {what: header.index(name) for what, name in names.items()}


@dataclass(frozen=True)
class Form:
    """The rest of it. `digits`: how many the shop's currency has after the point. Refuses `Unreadable`."""

    digits: int
    columns: Columns = field(default_factory=Columns)
    date_format: str = "%Y-%m-%d %H:%M:%S"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    delimiter: str = ","
    cancellation_prefix: str = "C"
    adjustments: frozenset[str] = frozenset(ADJUSTMENTS.lower().split(","))

    def __post_init__(self) -> None:
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
            raise Unreadable("A delimiter is one character, such as ; or a tab.")
        try:
            written = _SOME_DAY.strftime(self.date_format)
            understood = datetime.strptime(written, self.date_format).date() == _SOME_DAY.date()  # noqa: DTZ007
        except ValueError:
            understood = False
        if not understood:
            raise Unreadable(f"The date format {self.date_format} does not say year, month and day as strptime has it.")

    def cancels(self, invoice: str) -> bool:
        """Whether this is the number of a cancellation."""
        return bool(self.cancellation_prefix) and invoice.startswith(self.cancellation_prefix)
