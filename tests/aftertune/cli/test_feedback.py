"""`aftertune feedback`: sent and read back."""

from pathlib import Path

import pytest

from aftertune.clock import ManualClock
from aftertune.store import Store
from tests.aftertune.cli.offline import Offline, offline
from tests.aftertune.samples import exchange


@pytest.fixture
def world(store: Store, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Offline:
    with store.write() as tx:
        tx.exchanges.add(exchange("e1"), None, None)
    return offline(store, clock, tmp_path, monkeypatch)


def test_what_is_sent_is_listed(world: Offline) -> None:
    assert world.run("feedback", "send", "q1", "--up", "--id", "a") == (0, ["a: tasks"])
    assert world.run("feedback", "send", "q1", "--up", "--id", "a") == (0, ["a: tasks (stored before)"])
    assert world.run("feedback", "send", "q1", "--correction", "It is done.", "--end-user", "u-2")[0] == 0
    assert world.run("feedback", "send", "later", "--down", "--id", "b") == (0, ["b: waits for its exchange"])

    code, said = world.run("feedback", "list", "tasks")

    assert code == 0
    assert said[1].split() == ["v1", "1", "1", "1.000", "0.207", "1.000", "1", "0"]
    assert any("It is done." in each for each in said)


@pytest.mark.parametrize("options", [(), ("--up", "--label", "x"), ("--label", "x", "--correction", "y")])
def test_it_is_one_thing(world: Offline, options: tuple[str, ...]) -> None:
    code, said = world.run("feedback", "send", "q1", *options)

    assert code == 2
    assert "Give one of" in said[-1]


def test_direction_marks_are_made_visible(world: Offline) -> None:
    world.run("feedback", "send", "q1", "--label", "safe\u202egnp")

    assert "\u202e" not in "\n".join(world.run("feedback", "list", "tasks")[1])
