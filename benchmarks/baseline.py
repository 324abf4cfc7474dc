"""What PostgreSQL alone does with the same payment, by pgbench: what rates are compared with, in the same minutes."""

import asyncio
import re
import statistics
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.system import Purser
from deploy.local.postgres import BINARIES

ACCOUNTS = 100_000
SECONDS = 2
DATABASE = "pgbench"

# A balance that changes where it suffices, a transfer under its key, both of its postings, and the news.
SCHEMA = f"""
    CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0), version int NOT NULL);
    CREATE TABLE tx (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key uuid NOT NULL UNIQUE, at timestamptz);
    CREATE TABLE posting (tx bigint NOT NULL REFERENCES tx, account int NOT NULL, amount bigint NOT NULL);
    CREATE INDEX ON posting (account);
    CREATE TABLE news (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body jsonb NOT NULL);
    INSERT INTO account SELECT n, 1000000000000, 0 FROM generate_series(1, {ACCOUNTS}) n;
    CREATE FUNCTION pay(payer int, paid bigint) RETURNS bigint LANGUAGE plpgsql AS $$
    DECLARE made bigint;
    BEGIN
        UPDATE account SET balance = balance - paid, version = version + 1 WHERE id = payer AND balance >= paid;
        IF NOT FOUND THEN RETURN NULL; END IF;
        INSERT INTO tx (key, at) VALUES (gen_random_uuid(), now()) RETURNING id INTO made;
        INSERT INTO posting VALUES (made, payer, -paid);
        INSERT INTO posting VALUES (made, 0, paid);
        INSERT INTO news (body) VALUES (jsonb_build_object('tx', made, 'payer', payer, 'paid', paid));
        RETURN made;
    END $$;
"""
SCRIPT = f"""
\\set payer random(1, {ACCOUNTS})
SELECT pay(:payer::int, 1::bigint);
"""


@dataclass(frozen=True)
class Slice:
    """Two seconds of 8 clients, then two of one."""

    tps: float
    commit_ms: float
    """The median of one client."""


async def prepare(purser: Purser) -> None:
    async with purser.database("postgres") as connection:
        await connection.execute(f"CREATE DATABASE {DATABASE}")
    async with purser.database(DATABASE) as connection:
        await connection.execute(SCHEMA)
        await connection.execute("VACUUM ANALYZE")


async def measure(purser: Purser) -> Slice:
    """One slice; what it has written is forgotten, so that all slices are alike."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "payment.sql").write_text(SCRIPT)
        said = await _pgbench(purser, folder, 8)
        found = re.search(r"tps = ([0-9.]+)", said)
        assert found, said
        await _pgbench(purser, folder, 1, "--log")
        commit_ms = _median_ms(folder)
    async with purser.database(DATABASE) as connection:
        await connection.execute("TRUNCATE tx, posting, news")
    return Slice(float(found[1]), commit_ms)


def _median_ms(folder: Path) -> float:
    """Of the transactions that pgbench has logged."""
    [log] = folder.glob("pgbench_log*")
    return statistics.median(int(line.split()[2]) for line in log.read_text().splitlines()) / 1000


async def _pgbench(purser: Purser, folder: Path, clients: int, *more: str) -> str:
    process = await asyncio.create_subprocess_exec(
        BINARIES / "pgbench",
        *("--no-vacuum", "--file=payment.sql", f"--client={clients}", "--jobs=1", f"--time={SECONDS}"),
        *("--protocol=prepared", *more, purser.database_url(DATABASE)),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    return said
