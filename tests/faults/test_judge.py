"""Each invariant can fail: a defect of its kind, put into a small shop that is sound, is found by the one meant to find
it. (The judge trusts nobody, PostgreSQL neither.)"""

from collections.abc import Callable

import pytest

from tests.eventually import eventually
from tests.faults.conftest import RELAY, Shop, sign_in
from tests.faults.defects import IN_A_DATABASE, TOLD_TO_PEOPLE
from tests.faults.invariants import INVARIANTS
from tests.faults.judge import Evidence, code_of, judge
from tests.faults.world import Connection
from tests.installation import Installation


async def test_a_sound_shop_is_found_sound_and_every_invariant_has_looked_at_something(shop: Shop) -> None:
    verdicts = await judge(shop.evidence, INVARIANTS)
    assert [sentence for verdict in verdicts for sentence in verdict.finding.wrong] == []
    assert [verdict.code for verdict in verdicts if verdict.finding.looked_at == 0] == []


@pytest.mark.parametrize("defect", IN_A_DATABASE)
async def test_a_defect_in_a_database_is_found(shop: Shop, defect: str) -> None:
    code, service, *statements = IN_A_DATABASE[defect]
    await shop.spoil(service, *statements)
    assert code in await shop.broken()


@pytest.mark.parametrize("spoil", TOLD_TO_PEOPLE, ids=lambda spoil: spoil.__name__.strip("_"))
async def test_a_defect_in_what_was_told_is_found(shop: Shop, spoil: Callable[[Evidence], None]) -> None:
    spoil(shop.evidence)
    assert TOLD_TO_PEOPLE[spoil] in await shop.broken()


async def test_a_relay_that_has_died_is_found(shop: Shop, relays: dict[str, Connection]) -> None:
    await relays["billing"].execute("SELECT pg_advisory_unlock_all()")
    assert "I-16" in await shop.broken()
    await relays["billing"].execute(RELAY)


async def test_a_transaction_that_is_left_open_is_found(shop: Shop, judged: Installation) -> None:
    forgetful = await sign_in(judged, "billing")
    try:
        await forgetful.execute("BEGIN; SELECT 1")

        async def found() -> bool:
            return "I-16" in await shop.broken()

        await eventually(found, "an open transaction is found")
    finally:
        await forgetful.close()


def test_every_invariant_has_a_defect_that_it_finds() -> None:
    sought = {code for code, *_ in IN_A_DATABASE.values()} | set(TOLD_TO_PEOPLE.values())
    assert sought == {code_of(invariant) for invariant in INVARIANTS}
