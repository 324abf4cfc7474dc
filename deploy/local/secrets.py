"""Passwords and keys of this checkout, made at the first start and kept in one file that only its owner can read."""

import os
import random
import secrets
from base64 import b64encode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, Field

from deploy.postgres.provision import second_role

DATABASES = ("orders", "billing", "support", "gateway")
BROKER_USERS = (*DATABASES, "integrator", "operator")
DEFAULT_CURRENCY = "USD"
# The login of the demonstration shop for each role.
LOGINS = {"admin": "admin", "financier": "financier", "operator": "operator", "customer": "anna"}


class Secrets(BaseModel):
    """What nobody else may know, and the shop's currency, which is as lasting. `logins` is by login name, the other
    passwords by role or user; a service that is not in `database_roles` signs in by the role of its own name."""

    database_admin: str
    databases: dict[str, str]
    database_roles: dict[str, str] = {}
    broker: dict[str, str]
    caller_private_key: str
    caller_public_key: str
    # Not in the files that the first release made.
    password_secret: str = Field(default_factory=lambda: secrets.token_urlsafe(32))
    logins: dict[str, str]
    currency: str

    @classmethod
    def load(cls, file: Path, demo_password: str | None = None, currency: str | None = None) -> "Secrets":
        """Read the file, made now if there is none; a demo password replaces those of the demo logins for good.
        The currency is that of the first start: amounts that are there do not change with a setting.
        """
        known = cls.model_validate_json(file.read_text()) if file.exists() else cls.make(currency or DEFAULT_CURRENCY)
        if demo_password:
            known.logins = dict.fromkeys(known.logins, demo_password)
        write_private(file, known.model_dump_json(indent=2))
        return known

    @classmethod
    def make(cls, currency: str) -> "Secrets":
        """New passwords and a new key for everything."""
        roles = [role for name in DATABASES for role in (name, f"{name}_owner")]
        return cls(
            database_admin=secrets.token_urlsafe(24),
            databases={role: secrets.token_urlsafe(24) for role in roles},
            broker={user: secrets.token_urlsafe(24) for user in BROKER_USERS},
            logins={login: readable_password() for login in LOGINS.values()},
            currency=currency,
            **_new_key(),
        )

    def with_new_key(self) -> "Secrets":
        """The same, but for the key by which the gateway signs."""
        return self.model_copy(update=_new_key())

    def with_new_passwords(self) -> "Secrets":
        """The same, but for the passwords of services and other programs. Each service signs in to its database by its
        other role: the one that it has used is good until it is used no more."""
        used = {name: self.database_roles.get(name, name) for name in DATABASES}
        roles = {name: second_role(name) if used[name] == name else name for name in DATABASES}
        return self.model_copy(
            update={
                "databases": {
                    role: secrets.token_urlsafe(24) for name in DATABASES for role in (roles[name], f"{name}_owner")
                },
                "database_roles": roles,
                "broker": {user: secrets.token_urlsafe(24) for user in self.broker},
            }
        )


def _new_key() -> dict[str, str]:
    key = Ed25519PrivateKey.generate()
    return {
        "caller_private_key": b64encode(key.private_bytes_raw()).decode(),
        "caller_public_key": b64encode(key.public_key().public_bytes_raw()).decode(),
    }


def readable_password() -> str:
    """Four made-up words of two syllables, 50 bits: to be read from a screen and typed."""
    pick = random.SystemRandom().choice

    def word() -> str:
        return "".join(pick("bdfghklmnprstvz") + pick("aeiou") for _ in range(2))

    return "-".join(word() for _ in range(4))


def write_private(file: Path, text: str) -> None:
    """Replace the file as one step, readable by its owner only."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    draft.replace(file)
