"""Deep calls below a roomy function behave like any others, and spare the system calls."""

from __future__ import annotations

import subprocess
import sys
import traceback

import pytest

from archviz.stack_room import with_stack_room


def depth(left: int) -> int:
    return 0 if left == 0 else 1 + depth(left - 1)


def test_a_roomy_function_is_the_same_function() -> None:
    @with_stack_room
    def joined(first: str, *rest: str, by: str = " ") -> str:
        """What is joined."""
        return by.join((first, *rest))

    assert joined("a", "b", by="-") == "a-b"
    assert (joined.__name__, joined.__doc__) == ("joined", "What is joined.")


def test_errors_pass_and_deep_calls_end_as_elsewhere() -> None:
    @with_stack_room
    def refuse() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        refuse()
    assert [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)][-2:] == ["roomy", "refuse"]
    assert with_stack_room(depth)(800) == 800
    with pytest.raises(RecursionError):
        with_stack_room(depth)(sys.getrecursionlimit() + 10)


SWINGING = """
import resource
from archviz.stack_room import with_stack_room
def swing(deep):
    if deep:
        return swing(deep - 1)
    for _ in range(300):
        for borders in range(0, 120, 8):
            down(borders)
def down(deep):
    return 0 if deep == 0 else down(deep - 1)
def faults(run):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    run(150)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
swing(150)
print(faults(swing), faults(with_stack_room(swing)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts pages as Linux gives them")
def test_calls_that_swing_across_a_border_ask_for_no_new_memory() -> None:
    done = subprocess.run([sys.executable, "-c", SWINGING], capture_output=True, text=True, check=True)
    plain, roomy = map(int, done.stdout.split())
    assert roomy < 100 < plain
