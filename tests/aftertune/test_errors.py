"""Errors say what happened and what to do, and their drawn tree is the real one."""

import re

import pytest

from aftertune import errors
from aftertune.clock import ManualClock, SystemClock
from aftertune.errors import AftertuneError, NotFound, StaleGeneration, UnknownName

KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AftertuneError)
]


def test_the_drawn_tree_names_every_error_with_its_status() -> None:
    assert errors.__doc__ is not None
    drawn = dict(re.findall(r"── (\w+) +(\d{3})", errors.__doc__))
    assert drawn == {kind.__name__: str(kind.status) for kind in KINDS if kind is not AftertuneError}


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_caller_must_change_is_a_4xx_with_exit_code_2(kind: type[AftertuneError]) -> None:
    blames_the_caller = issubclass(kind, errors.BadInput)
    assert (400 <= kind.status < 500) is blames_the_caller
    assert kind.exit_code == (2 if blames_the_caller else 1)
    assert kind.title


def test_messages_name_the_known_and_the_remedy() -> None:
    assert str(UnknownName("metric", "bleu", ["b", "a"])) == "Unknown metric 'bleu'. Known: a, b."
    assert str(UnknownName("metric", "bleu", [])) == "Unknown metric 'bleu'. Known: none."
    assert str(NotFound("release", "v9")) == "There is no release 'v9'."
    assert StaleGeneration("tasks", 3).remedy == "Read it again, then decide again."


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock()
    start = clock.now()
    assert (clock.now(), clock.monotonic()) == (start, 0.0)
    clock.advance(1.5)
    assert ((clock.now() - start).total_seconds(), clock.monotonic()) == (1.5, 1.5)


def test_the_system_clock_is_aware_and_never_runs_backwards() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() is not None
    assert clock.monotonic() <= clock.monotonic()
