"""Passwords and keys."""

import stat
from base64 import b64decode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deploy.local.secrets import Secrets


def test_the_secrets_of_the_first_start_are_those_of_every_other(tmp_path: Path) -> None:
    assert Secrets.load(tmp_path / "secrets") == Secrets.load(tmp_path / "secrets")


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    Secrets.load(tmp_path / "secrets")
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o600


def test_no_two_passwords_are_alike() -> None:
    made = Secrets.make("USD")
    passwords = [made.database_admin, *made.databases.values(), *made.broker.values(), *made.logins.values()]
    assert len(set(passwords)) == len(passwords)


def test_a_demo_password_is_every_logins_from_then_on(tmp_path: Path) -> None:
    Secrets.load(tmp_path / "secrets")
    Secrets.load(tmp_path / "secrets", demo_password="open sesame")
    assert set(Secrets.load(tmp_path / "secrets").logins.values()) == {"open sesame"}


def test_the_two_caller_keys_belong_together() -> None:
    made = Secrets.make("USD")
    signature = Ed25519PrivateKey.from_private_bytes(b64decode(made.caller_private_key)).sign(b"who calls")
    Ed25519PublicKey.from_public_bytes(b64decode(made.caller_public_key)).verify(signature, b"who calls")


def test_the_currency_is_that_of_the_first_start(tmp_path: Path) -> None:
    Secrets.load(tmp_path / "secrets", currency="GBP")
    assert Secrets.load(tmp_path / "secrets", currency="EUR").currency == "GBP"
