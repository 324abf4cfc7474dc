"""An id is nobody else's, and an index of them grows at its end."""

import subprocess
import sys

from shared.ids import new_id

# As the processes of `make up` come to be: forked from one that has drawn ids.
DRAWN_AFTER_A_FORK = """
from multiprocessing import get_context
from shared.ids import new_id

def draw(_: int) -> list[int]:
    # What is not the time: processes that draw at one time differ by nothing else.
    return [new_id().int % 2**32 for _ in range(1_000)]

new_id()
with get_context("fork").Pool(4) as pool:
    drawn = [each for some in pool.map(draw, range(4), chunksize=1) for each in some] + draw(0)
print(len(set(drawn)))
"""


def test_ids_grow() -> None:
    drawn = [new_id() for _ in range(10_000)]
    assert sorted(drawn) == drawn
    assert len(set(drawn)) == len(drawn)


def test_processes_that_are_forked_from_one_draw_different_ids() -> None:
    ran = subprocess.run([sys.executable, "-c", DRAWN_AFTER_A_FORK], capture_output=True, text=True, check=True)
    assert int(ran.stdout) > 4_990
