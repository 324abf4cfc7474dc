"""Who is signed in: asked of the database, remembered for seconds, and forgotten when it ends, at whatever gateway."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from gateway.accounts import queries
from shared.auth import Caller
from shared.batches import Batches
from shared.db import Database
from shared.failure import kind_of

# Should nobody tell of its end, a session goes on for as long.
REMEMBERED_SECONDS = 5.0
MOST_REMEMBERED = 10_000
# All browsers may come back at one time: so many are looked up by one statement.
AT_ONCE = 100
LOOK_SECONDS = 2.0
# The database tells, by triggers, the login of which something has ended or changed.
CHANNEL = "sessions_ended"

log = structlog.get_logger()


@dataclass(frozen=True)
class _Remembered:
    caller: Caller
    until: float


class Sessions:
    """Those of all browsers and programs. Nothing is remembered while ends are not heard of."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lookups = Batches(self._look_up, most=AT_ONCE)
        self._remembered: dict[bytes, _Remembered] = {}
        self._is_hearing = False
        self._times_ended = 0

    async def find_caller(self, token_hash: bytes) -> Caller | None:
        """Whose session it is, while it lasts."""
        known = self._remembered.get(token_hash)
        if known and time.monotonic() < known.until:
            return known.caller
        times_ended, asked_at = self._times_ended, time.monotonic()
        found = (await self._lookups.ask(token_hash)).get(token_hash)
        if found is None:
            return None
        caller, seconds_left = found
        # What has ended meanwhile may be this: the answer was on its way.
        if self._is_hearing and times_ended == self._times_ended:
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[token_hash] = _Remembered(caller, asked_at + min(seconds_left, REMEMBERED_SECONDS))
        return caller

    async def _look_up(self, token_hashes: Sequence[bytes]) -> list[dict[bytes, tuple[Caller, float]]]:
        """For each who asks the answer to all."""
        return [await queries.find_sessions(self._database, token_hashes)] * len(token_hashes)

    def forget(self, login: str) -> None:
        """Something of this login has ended or changed: it holds for the next request."""
        self._times_ended += 1
        self._remembered = {token: known for token, known in self._remembered.items() if known.caller.login != login}

    async def keep_hearing(self) -> None:
        """For ever: what ends at other gateways, or in the database."""
        while True:
            try:
                await self._hear()
            except (SQLAlchemyError, OSError) as error:
                log.warning("ends of sessions not heard of", error=kind_of(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def _hear(self) -> None:
        async with self._database.single_statements.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            try:
                await driver.add_listener(CHANNEL, lambda *told: self.forget(told[-1]))
                self._is_hearing = True
                while True:
                    await connection.execute(text("SELECT 1"))
                    await asyncio.sleep(LOOK_SECONDS)
            finally:
                self._is_hearing = False
                self._times_ended += 1
                self._remembered.clear()
                # Nobody else shall get one that listens.
                await connection.invalidate()
