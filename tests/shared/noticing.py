"""What the metrics and the sentences of health come to say; and events put into an outbox, to be noticed there."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from prometheus_client import REGISTRY
from sqlalchemy import text

from shared.db import Database
from shared.health import Health
from tests.eventually import eventually

TELL = """
    INSERT INTO outbox (event_id, aggregate, subject, version, routing_key, at, body)
    VALUES (gen_random_uuid(), 'test', :subject, 1, :routing_key, :at, '{}')
"""


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def becomes(name: str, value: float, **labels: str) -> None:
    async def look() -> bool:
        return metric(name, **labels) == value

    await eventually(look, f"{name} = {value}")


async def says(health: Health, name: str, sentence: str) -> None:
    """Or nothing any more, where the sentence is empty."""

    async def look() -> bool:
        reasons = await health.reasons()
        told = reasons.get(name) or health.warnings.get(name) or ""
        return told.startswith(sentence) if sentence else told == ""

    await eventually(look, f"{name}: {sentence or 'nothing'}")


async def tell(database: Database, routing_key: str, seconds_ago: float = 0) -> str:
    subject, at = str(uuid4()), datetime.now(UTC) - timedelta(seconds=seconds_ago)
    async with database.transaction() as session:
        await session.execute(text(TELL), {"subject": subject, "routing_key": routing_key, "at": at})
    return subject


async def forget(database: Database, *subjects: str) -> None:
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM outbox WHERE subject = ANY(:subjects)"), {"subjects": list(subjects)})
