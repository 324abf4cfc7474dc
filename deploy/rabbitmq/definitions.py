"""The broker's definitions for one vhost, with passwords: what `definitions.json` leaves out."""

import hashlib
from base64 import b64encode
from typing import Any

Definitions = dict[str, Any]


def render(definitions: Definitions, passwords: dict[str, str], vhost: str) -> Definitions:
    """A copy of the definitions, which describe one vhost, for the vhost of this name and with each user's password."""
    rendered: Definitions = {
        section: [{**entry, "vhost": vhost} if "vhost" in entry else entry for entry in entries]
        if isinstance(entries, list)
        else entries
        for section, entries in definitions.items()
    }
    rendered["vhosts"] = [{**entry, "name": vhost} for entry in definitions["vhosts"]]
    rendered["users"] = users(definitions, passwords)
    return rendered


def users(definitions: Definitions, passwords: dict[str, str]) -> list[dict[str, Any]]:
    """The definitions' users, with their passwords."""
    return [{**user, **_hashed(passwords[user["name"]])} for user in definitions["users"]]


def _hashed(password: str) -> dict[str, str]:
    """RabbitMQ's own form: a salt of four bytes, then the hash of the salt and the password.

    The passwords are long and made up, so the salt may follow from them: the same secrets make the same definitions.
    """
    salt = hashlib.sha256(b"salt" + password.encode()).digest()[:4]
    digest = hashlib.sha256(salt + password.encode()).digest()
    return {
        "password_hash": b64encode(salt + digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
    }
