"""A worker is started in no order: it says what it waits for, and begins when that is there."""

from uuid import uuid4

import httpx2 as httpx
from sqlalchemy.engine import make_url

from services.billing import worker
from shared.db import Database
from shared.settings import WorkerSettings
from tests.billing.conftest import Customer
from tests.eventually import eventually
from tests.installation import Installation, serving, settings
from tests.link import linked
from tests.shared.conftest import Orders, invoices


async def test_a_worker_that_starts_before_its_broker_says_so_and_listens_once_it_is_there(
    installation: Installation, database: Database, orders: Orders
) -> None:
    where = make_url(installation.broker_url("billing"))
    async with linked(where.host or "", where.port or 0) as link, httpx.AsyncClient(timeout=30) as http:
        near = where.set(host="127.0.0.1", port=link.local_port).render_as_string(hide_password=False)
        given = settings(WorkerSettings, database_url=installation.database_url("billing"), broker_url=near)
        with link.cut():
            async with serving(worker.create(given)) as url:
                assert (await http.get(f"{url}/healthz")).status_code == 200
                waiting = await http.get(f"{url}/readyz")
                assert (waiting.status_code, waiting.json()["code"]) == (503, "not_ready")
                assert waiting.json()["reasons"]["listening"] == "It does not listen to its queues yet."
                link.is_cut = False

                async def ready() -> bool:
                    return (await http.get(f"{url}/readyz")).status_code == 200

                await eventually(ready, "the worker listens")
                order = Customer(database).order(100)
                await orders.tell(order.model_dump_json().encode(), str(uuid4()))
                await eventually(lambda: invoices(database, order), "an invoice")
