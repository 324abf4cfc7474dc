"""What was sealed cannot be changed unseen: each kind of tampering is done as a superuser, and named.

They have a database to themselves, emptied for each: a broken chain stays broken.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.engine import make_url

from services.billing import sealer
from services.billing.commands import seal_transfers
from services.billing.sealer import seal_all
from shared.db import Database
from shared.migrations import upgrade
from tests.billing.sealing import FIRST, Ledger
from tests.installation import Installation


@pytest.fixture(scope="module")
async def databases(installation: Installation) -> AsyncIterator[tuple[Database, Database]]:
    """As billing has it, and as a superuser has it."""
    mine = Installation(installation.servers, f"{installation.worker}_seals", installation.key)
    name = f"billing_{mine.worker}"
    server = await asyncpg.connect(installation.servers.postgres_url)
    await server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await server.execute(f'CREATE DATABASE "{name}" OWNER billing_owner')
    await asyncio.to_thread(asyncio.run, upgrade("services.billing", mine.database_url("billing", owner=True)))
    url = make_url(installation.servers.postgres_url).set(drivername="postgresql+asyncpg", database=name)
    both = Database(mine.database_url("billing")), Database(url.render_as_string(hide_password=False), pool_size=2)
    yield both
    for database in both:
        await database.close()
    await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await server.close()


@pytest.fixture
async def ledger(databases: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setattr(seal_transfers, "AT_ONCE", 4)
    ledger = Ledger(*databases)
    await ledger.tamper("TRUNCATE seals, sealed_accounts, holds, transfers, invoices, accounts, outbox")
    await ledger.pay_in()
    return ledger


async def test_every_transfer_is_sealed_once_however_many_seal_at_a_time(ledger: Ledger) -> None:
    await asyncio.gather(*(seal_all(ledger.database) for _ in range(4)), ledger.pay_in())
    await ledger.seal()
    entries = await ledger.tamper(
        "SELECT customer, version FROM seals, unnest(customers, versions) AS e(customer, version)"
    )
    transfers = await ledger.tamper("SELECT customer_id, account_version FROM transfers")
    assert sorted(entries) == sorted(transfers)
    assert len(entries) == 30
    [(newest,)] = await ledger.tamper("SELECT max(transfers) FROM seals")
    assert newest == 30


async def test_money_is_counted_once_however_many_seal_at_a_time(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A counter of this ledger's own: another system in the same process seals what was paid into its own.
    own = CollectorRegistry()
    monkeypatch.setattr(
        sealer, "moved_total", Counter("moved_total", "Of one ledger", ["kind", "currency"], registry=own)
    )
    await asyncio.gather(*(sealer.seal_all(ledger.database) for _ in range(4)))
    await ledger.seal()
    assert own.get_sample_value("moved_total", {"kind": "deposit", "currency": "USD"}) == 3 * (1 + 2 + 3 + 4 + 5)


async def test_each_seal_is_told_so_that_others_can_keep_its_head(ledger: Ledger) -> None:
    head = await ledger.seal()
    told = await ledger.tamper(
        "SELECT version || ':' || (body::jsonb ->> 'hash') FROM outbox WHERE aggregate = 'ledger' ORDER BY version"
    )
    assert [row[0] for row in told][-1] == head
    await seal_all(ledger.database)
    assert await ledger.seal() == head


async def test_accounts_that_change_without_a_transfer_hold_nothing_up(ledger: Ledger) -> None:
    await ledger.tamper("UPDATE accounts SET version = version + 1 WHERE kind = 'customer'")
    head = await ledger.seal()
    assert await ledger.seal() == head
    assert await ledger.tamper("SELECT 1 FROM sealed_accounts WHERE version <> 6") == []


async def test_a_flipped_byte_is_found_and_the_transfer_named(ledger: Ledger) -> None:
    await ledger.seal()
    [(which,)] = await ledger.tamper(f"SELECT id FROM transfers WHERE customer_id = {FIRST} AND account_version = 2")
    await ledger.tamper("UPDATE transfers SET made_by = 'fiN' WHERE id = :id", id=which)
    [flaw] = await ledger.flaws()
    assert flaw.startswith(f"Transfer {which} was changed")


async def test_a_row_and_the_tail_that_are_gone_are_found(ledger: Ledger) -> None:
    await ledger.seal()
    await ledger.tamper(f"DELETE FROM transfers WHERE customer_id = {FIRST} AND account_version = 3")
    [flaw] = await ledger.flaws()
    assert flaw.startswith("A transfer is gone")
    assert "version 3; seal 1" in flaw
    await ledger.tamper("DELETE FROM transfers WHERE id IN (SELECT id FROM transfers ORDER BY at DESC LIMIT 10)")
    assert len(await ledger.flaws()) > 5


async def test_an_end_cut_off_with_its_seals_is_found_by_a_kept_head(ledger: Ledger) -> None:
    head = await ledger.seal()
    await ledger.tamper(
        "DELETE FROM transfers USING seals, unnest(customers, versions) AS e(c, v)"
        " WHERE number > 1 AND customer_id = c AND account_version = v",
        "DELETE FROM seals WHERE number > 1",
        "UPDATE accounts SET version = (SELECT count(*) FROM transfers WHERE customer_id = accounts.id)"
        " WHERE kind = 'customer'",
        "UPDATE sealed_accounts SET version = (SELECT version FROM accounts WHERE id = account_id)",
        "DELETE FROM outbox",
    )
    await seal_all(ledger.database)
    assert await ledger.flaws() == []
    assert await ledger.flaws(head) == ["Seal 4, whose head was kept, is gone: the end was cut off."]


async def test_transfers_and_seals_in_another_order_are_found(ledger: Ledger) -> None:
    await ledger.seal()
    unique = "uq_transfers_customer_id_account_version"
    swap = (
        f"ALTER TABLE transfers DROP CONSTRAINT {unique}",
        "UPDATE transfers SET account_version = CASE account_version WHEN 1 THEN 2 ELSE 1 END"
        f" WHERE account_version < 3 AND customer_id = {FIRST}",
        f"ALTER TABLE transfers ADD CONSTRAINT {unique} UNIQUE (customer_id, account_version)",
    )
    await ledger.tamper(*swap)
    assert "was changed" in (await ledger.flaws())[0]
    await ledger.tamper(*swap)
    assert await ledger.flaws() == []
    await ledger.tamper(
        "UPDATE seals SET number = number + 100 WHERE number IN (2, 3)",
        "UPDATE seals SET number = CASE number WHEN 102 THEN 3 ELSE 2 END WHERE number > 100",
    )
    assert (await ledger.flaws())[0].startswith("Seal 2 was changed")


INSERT = (
    "INSERT INTO transfers SELECT gen_random_uuid(), customer_id, {version}, debit_account, credit_account, 7,"
    " currency, kind, balance_after_minor, order_number, order_version, line, note, staff_note, made_by,"
    " at - interval '30 days'"
    f" FROM transfers WHERE customer_id = {FIRST} AND account_version = 5"
)


async def test_transfers_that_were_put_in_are_found(ledger: Ledger) -> None:
    await ledger.tamper("UPDATE accounts SET version = 6 WHERE kind = 'customer'")
    await ledger.seal()
    # At a version that no transfer has, at one that the account has not reached ...
    await ledger.tamper(INSERT.format(version=6))
    assert "put in between" in (await ledger.flaws())[0]
    await ledger.tamper("UPDATE transfers SET account_version = 9 WHERE account_version = 6")
    assert "does not know of" in (await ledger.flaws())[0]
    # ... and as if it had always been there, so that the sealer takes it for a new one.
    await ledger.tamper("UPDATE accounts SET version = 9 WHERE id = " + FIRST)
    since = await seal_all(ledger.database)
    assert "it was put in later" not in " ".join(await ledger.flaws())
    await ledger.tamper("UPDATE accounts SET version = 10 WHERE id = " + FIRST, INSERT.format(version=10))
    await seal_all(ledger.database, since)
    [flaw] = await ledger.flaws()
    assert flaw.endswith("it was put in later.")


async def test_a_chain_written_anew_is_found_by_a_kept_head_only(ledger: Ledger) -> None:
    head = await ledger.seal()
    await ledger.tamper("UPDATE transfers SET amount_minor = 700 WHERE account_version = 2")
    assert len(await ledger.flaws()) == 3
    await ledger.write_anew()
    assert await ledger.flaws() == []
    [flaw] = await ledger.flaws(head)
    assert flaw.startswith("Seal 4 is not the one whose head was kept")


async def test_a_seal_that_is_gone_and_one_that_was_changed_are_named(ledger: Ledger) -> None:
    await ledger.seal()
    await ledger.tamper("UPDATE seals SET made_at = made_at - interval '1 second' WHERE number = 3")
    assert (await ledger.flaws())[0] == "Seal 3 was changed, or does not continue the one before it."
    await ledger.tamper("DELETE FROM seals WHERE number = 2")
    assert (await ledger.flaws())[0] == "Seal 2 is gone."


async def test_the_command_says_it_and_keeps_heads_in_a_file(ledger: Ledger, tmp_path: Path) -> None:
    await ledger.seal()
    heads = tmp_path / "heads"

    async def command(*arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.cli", "verify", *arguments),
            env={**os.environ, "PURSER_DATABASE_URL": ledger.database.engine.url.render_as_string(hide_password=False)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    code, said = await command("--heads", str(heads))
    assert code == 0, said
    assert "15 transfers are what they were" in said
    assert heads.read_text().startswith("4:")
    await ledger.tamper("UPDATE transfers SET amount_minor = 700 WHERE account_version = 2")
    await ledger.write_anew()
    code, said = await command("--heads", str(heads))
    assert code == 1
    assert "First: Seal 4 is not the one whose head was kept" in said
    assert len(heads.read_text().splitlines()) == 1
    assert (await command("--head", "4:xyz"))[0] == 2
