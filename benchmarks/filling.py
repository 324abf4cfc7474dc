"""Many rows straight into a database, as a restore does it: nothing is checked again, indexes are made afterwards."""

from collections.abc import Sequence

from benchmarks.system import Purser

HASTE = """
    SET session_replication_role = replica;
    SET allow_system_table_mods = on;
    SET maintenance_work_mem = '256MB';
    SET work_mem = '256MB';
"""


async def fill(purser: Purser, database: str, tables: Sequence[str], statements: str) -> None:
    """Run the statements, which write to these tables; afterwards the database knows what it holds."""
    async with purser.database(database) as connection:
        await connection.execute(HASTE)
        async with connection.transaction():
            # The services run already, and read now and then: they wait, rather than each for the other.
            await connection.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
            # Not written to row by row, which takes four times as long.
            away = "UPDATE pg_index SET indisready = false WHERE indrelid = ANY ($1::text[]::regclass[])"
            await connection.execute(away, tables)
            await connection.execute(statements)
            for table in tables:
                await connection.execute(f"REINDEX TABLE {table}")
        await connection.execute("VACUUM (FREEZE, ANALYZE)")
        await connection.execute("CHECKPOINT")
