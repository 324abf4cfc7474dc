"""The broker's definitions, with passwords."""

import hashlib
import json
from base64 import b64decode

from deploy.local.home import ROOT
from deploy.local.secrets import BROKER_USERS, Secrets
from deploy.rabbitmq.definitions import Definitions, render

BARE: Definitions = {
    "vhosts": [{"name": "purser"}],
    "users": [{"name": "orders", "tags": ["monitoring"]}],
    "permissions": [{"user": "orders", "vhost": "purser", "configure": "", "write": "", "read": ""}],
    "queues": [{"name": "orders.on.x", "vhost": "purser", "arguments": {"x-queue-type": "quorum"}}],
}


def test_everything_moves_to_the_vhost_asked_for() -> None:
    rendered = render(BARE, {"orders": "secret"}, "worker-3")
    assert rendered["vhosts"] == [{"name": "worker-3"}]
    assert rendered["permissions"][0]["vhost"] == rendered["queues"][0]["vhost"] == "worker-3"
    assert BARE["queues"][0]["vhost"] == "purser"


def test_a_password_is_there_as_a_salted_hash_only_and_tags_stay() -> None:
    rendered = render(BARE, {"orders": "secret"}, "purser")
    user = rendered["users"][0]
    salted = b64decode(user["password_hash"])
    assert salted[4:] == hashlib.sha256(salted[:4] + b"secret").digest()
    assert user["tags"] == ["monitoring"]
    assert "secret" not in json.dumps(rendered)


def test_there_is_a_password_for_every_user_of_the_committed_definitions() -> None:
    committed = json.loads((ROOT / "deploy/rabbitmq/definitions.json").read_text())
    assert {user["name"] for user in committed["users"]} == set(BROKER_USERS)
    render(committed, Secrets.make("USD").broker, "purser")
