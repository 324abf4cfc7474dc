"""What was published stays readable, and what is committed is what the code says."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway import openapi
from shared import asyncapi, messaging
from shared.contracts.base import Event
from shared.contracts.billing import OrderPaid
from shared.contracts.subscriptions import SUBSCRIPTIONS

ROOT = Path(__file__).parents[2]
EXAMPLES = Path(__file__).parent / "examples"
EVENTS = {event.routing_key: event for event in asyncapi.published()}


def test_every_published_event_has_an_example() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.json")} >= set(EVENTS)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_todays_code_reads_every_version_ever_published(path: Path) -> None:
    event = EVENTS[path.stem].model_validate_json(path.read_bytes())
    assert json.loads(event.model_dump_json()) == json.loads(path.read_text())


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.__name__)
def test_an_event_is_named_after_its_publisher_and_knows_its_aggregate(event: type[Event]) -> None:
    publisher, name, version = event.routing_key.split(".")
    assert event.__module__ == f"shared.contracts.{publisher}"
    assert name.replace("_", "") == event.__name__.lower()
    assert version == "v1"
    assert event._subject_field in event.model_fields


def test_a_field_that_is_not_known_yet_is_ignored() -> None:
    example = json.loads((EXAMPLES / "billing.order_paid.v1.json").read_text())
    assert OrderPaid.model_validate({**example, "new_field": 1}) == OrderPaid.model_validate(example)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("amount_minor", 0),
        ("amount_minor", True),
        ("amount_minor", "12"),
        ("amount_minor", 1.0),
        ("paid_minor", -1),
        ("version", 0),
        ("at", "2026-11-23T12:00:00"),
        ("order_number", "ORD-23"),
        ("currency", "usd"),
    ],
)
def test_an_event_is_as_strict_as_a_request(field: str, wrong: object) -> None:
    example = json.loads((EXAMPLES / "billing.order_paid.v1.json").read_text())
    with pytest.raises(ValidationError):
        OrderPaid.model_validate_json(json.dumps({**example, field: wrong}))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_no_text_of_an_event_holds_what_postgresql_cannot_store(path: Path) -> None:
    example = json.loads(path.read_text())
    for field in [field for field, value in example.items() if isinstance(value, str)]:
        with pytest.raises(ValidationError):
            EVENTS[path.stem].model_validate_json(json.dumps({**example, field: example[field] + "\x00"}))


def test_the_committed_asyncapi_is_what_the_contracts_say() -> None:
    assert json.loads((ROOT / "docs/asyncapi.json").read_text()) == asyncapi.document(), "run `make contracts`"


def test_the_committed_openapi_is_what_the_gateway_answers() -> None:
    assert json.loads((ROOT / "docs/openapi.json").read_text()) == openapi.document(), "run `make contracts`"


def test_the_committed_broker_definitions_are_what_the_code_says() -> None:
    committed = json.loads((ROOT / "deploy/rabbitmq/definitions.json").read_text())
    assert committed == messaging.definitions(), "run `make contracts`"


def test_nobody_listens_to_themselves() -> None:
    for listener, events in SUBSCRIPTIONS.items():
        assert not [event for event in events if event.routing_key.startswith(f"{listener}.")]
