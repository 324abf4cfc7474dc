"""Passwords: how they are kept and compared, and ones that we make."""

import asyncio
import base64
import hashlib
import hmac
import secrets
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

_argon2id = PasswordHash((Argon2Hasher(),))
# Each takes 64 MiB and a core for a tenth of a second: more at once would starve everything else.
_at_once = asyncio.Semaphore(2)


async def hash_password(password: str) -> str:
    async with _at_once:
        return await asyncio.to_thread(_argon2id.hash, password)


async def is_right(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one; without a hash it never is, and finding that out takes as long."""
    async with _at_once:
        return await asyncio.to_thread(_compare, password, password_hash)


def _compare(password: str, password_hash: str | None) -> bool:
    nobodys = _nobodys_hash()
    return _argon2id.verify(password, password_hash or nobodys) and password_hash is not None


@cache
def _nobodys_hash() -> str:
    return _argon2id.hash(secrets.token_hex())


class ServerSecret:
    """What only the gateway can compute, and every running gateway alike."""

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()

    def password(self, *purpose: str) -> str:
        """A password that is the same for the same purpose, so that a repeated request can show it again."""
        return base64.b32encode(self._digest("password", *purpose)).decode().lower()[:20]

    def fingerprint(self, *text: str) -> bytes:
        """Tells whether a text is the same as before. Without the secret nobody can try out what it was, which matters
        because the text holds a password."""
        return self._digest("fingerprint", *text)

    def _digest(self, *parts: str) -> bytes:
        return hmac.digest(self._key, "\0".join(parts).encode(), hashlib.sha256)
