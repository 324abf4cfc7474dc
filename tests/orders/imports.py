"""Imports into a source of one's own, and what came of them."""

import io
from uuid import uuid4

from sqlalchemy import text

from services.orders.importer.form import Form
from services.orders.importer.importing import import_file
from services.orders.importer.report import Report
from shared.db import Database

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


class Shop:
    """Imports into a source of its own, and looks at what came of it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.source = f"test {uuid4()}"
        self.id = uuid4().hex[:8]

    async def take(self, lines: str, header: str = HEADER, form: Form | None = None) -> Report:
        report = Report()
        file = io.StringIO(header + lines.replace("CUST", self.id))
        await import_file(file, form or Form(digits=2), self.source, "USD", self.database, report, lambda: None)
        return report

    async def orders(self) -> list[tuple[str, int, str, list[tuple[str, int, int, str]]]]:
        """Reference, total, status, and the items."""
        async with self.database.transaction() as session:
            rows = await session.execute(
                text(
                    "SELECT b.reference, o.total_minor, o.status, array_agg(ARRAY[i.sku, i.quantity::text,"
                    " i.unit_price_minor::text, i.status] ORDER BY i.line) items FROM imported_invoices b"
                    " JOIN orders o ON o.number = b.order_number JOIN items i ON i.order_number = o.number"
                    " WHERE b.source = :source GROUP BY o.number, b.reference ORDER BY o.number"
                ),
                {"source": self.source},
            )
            return [
                (row.reference, row.total_minor, row.status, [(i[0], int(i[1]), int(i[2]), i[3]) for i in row.items])
                for row in rows
            ]

    async def told(self) -> list[str]:
        """What was recorded to be told of these customers and orders."""
        mine = (
            "SELECT 'ORD-' || lpad(order_number::text, 10, '0') FROM imported_invoices WHERE source = :source"
            " UNION ALL SELECT customer_id::text FROM imported_customers WHERE source = :source"
        )
        told = f"SELECT split_part(routing_key, '.', 2) FROM {{}} WHERE subject IN ({mine})"
        async with self.database.transaction() as session:
            rows = await session.scalars(
                text(f"{told.format('outbox')} UNION ALL {told.format('outbox_archive')}"), {"source": self.source}
            )
            return sorted(rows)

    async def customers(self) -> list[tuple[str, str, str]]:
        """Login, name and e-mail."""
        async with self.database.transaction() as session:
            rows = await session.execute(
                text(
                    "SELECT login, name, email FROM customers JOIN imported_customers ON customer_id = id"
                    " WHERE source = :source ORDER BY name"
                ),
                {"source": self.source},
            )
            return [(row.login, row.name, row.email) for row in rows]


def line(
    invoice: str, sku: str = "A", quantity: object = 1, price: object = "2.55", customer: str = "CUST", **more: str
) -> str:
    title, date = more.get("title", "A thing"), more.get("date", "2010-12-01 08:26:00")
    return f"{invoice},{sku},{title},{quantity},{date},{price},{customer},United Kingdom\n"
