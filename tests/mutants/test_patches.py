"""The mutants keep up with the code; `make mutants` runs them."""

from pathlib import Path

import pytest

from tests.mutants.mutant import Mutant, all_mutants

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", all_mutants(), ids=lambda mutant: mutant.name)
def test_a_mutant_still_applies_and_names_what_must_catch_it(mutant: Mutant) -> None:
    assert mutant.apply(ROOT, only_try=True) == ""
    assert mutant.caught_by
    for each in mutant.tests:
        file, _, test = each.partition("::")
        assert f"def {test}(" in (ROOT / file).read_text()
