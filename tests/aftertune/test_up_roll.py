"""Routers are replaced one by one, and never are there fewer than before."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.roll import roll
from aftertune.rooms import Room


@dataclass(frozen=True)
class FakeRoom(Room):
    """Asks the fake host whether it is ready."""

    host: "Host" = field(default_factory=lambda: Host())

    def is_ready(self) -> bool:
        return self.host.ready(self.name)


@dataclass
class Host:
    """Processes that take a few seconds to start and to end; a second passes at each look.

    `broken` never become ready, `dying` end at once, `stubborn` end only when they are killed.
    """

    start_s: int = 2
    end_s: int = 3
    broken: frozenset[str] = frozenset()
    dying: frozenset[str] = frozenset()
    stubborn: frozenset[str] = frozenset()
    now_s: float = 0.0
    began: dict[str, float] = field(default_factory=dict)
    ends_at: dict[str, float] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def start(self, room: Room) -> None:
        assert not self.runs(room), f"{room.name} still runs"
        self.began[room.name] = self.now_s
        self.ends_at.pop(room.name, None)
        if room.name in self.dying:
            self.ends_at[room.name] = self.now_s
        self.done.append(f"start {room.name}")

    def runs(self, room: Room) -> bool:
        return room.name in self.began and self.now_s < self.ends_at.get(room.name, float("inf"))

    def end(self, room: Room) -> None:
        self.done.append(f"end {room.name}")
        if room.name not in self.stubborn:
            self.ends_at[room.name] = self.now_s + self.end_s

    def kill(self, room: Room) -> None:
        self.ends_at[room.name] = self.now_s

    def retire(self, room: Room) -> None:
        assert not self.runs(room)
        self.done.append(f"retire {room.name}")

    def ready(self, name: str) -> bool:
        """Draining is not ready."""
        old_enough = name in self.began and self.now_s - self.began[name] >= self.start_s
        return old_enough and name not in self.broken and name not in self.ends_at

    def rooms(self, *names: str) -> tuple[Room, ...]:
        return tuple(FakeRoom(name, "serving.router", "", host=self) for name in names)

    def rolled(self, *names: str) -> Iterator[int]:
        """How many are ready, at each look; the named ones run already."""
        for name in names:
            self.began.setdefault(name, -100.0)
        routers, (spare,) = self.rooms(*names), self.rooms("spare")
        for _ in roll(self, routers, spare, lambda: self.now_s, self.said.append):
            self.now_s += 1
            yield sum(self.ready(name) for name in (*names, "spare"))


@given(st.integers(1, 4), st.integers(0, 50), st.integers(0, 30))
def test_as_many_as_before_are_always_ready(count: int, start_s: int, end_s: int) -> None:
    names = [f"router-{number}" for number in range(1, count + 1)]
    host = Host(start_s=start_s, end_s=end_s)
    assert all(ready >= count for ready in host.rolled(*names))
    replaced = [step for name in names for step in (f"end {name}", f"start {name}")]
    assert host.done == ["start spare", *replaced, "end spare", "retire spare"]
    assert host.said[-1] == f"replaced {', '.join(names)}"


@pytest.mark.parametrize("fault", ["broken", "dying"])
def test_without_a_stand_in_nothing_is_replaced(fault: str) -> None:
    host = Host(**{fault: frozenset({"spare"})})  # type: ignore[arg-type]
    assert all(ready >= 2 for ready in host.rolled("router-1", "router-2"))
    assert [step for step in host.done if "router" in step] == []
    assert host.done[-1] == "retire spare"
    assert host.said[-1].endswith("Nothing was replaced.")


@pytest.mark.parametrize("fault", ["broken", "dying"])
def test_the_first_that_does_not_come_back_stops_the_roll(fault: str) -> None:
    host = Host(**{fault: frozenset({"router-2"})})  # type: ignore[arg-type]
    host.began["router-2"] = -100.0
    for _ in host.rolled("router-1", "router-2", "router-3"):
        pass
    assert host.done == ["start spare", "end router-1", "start router-1", "end router-2", "start router-2"]
    assert "Not replaced: router-3." in host.said[-1]
    assert host.ready("spare")


def test_another_roll_takes_over_the_stand_in_of_one_that_stopped() -> None:
    host = Host(broken=frozenset({"router-1"}))
    for _ in host.rolled("router-1"):
        pass
    host.broken = frozenset()
    host.done.clear()
    assert all(ready >= 1 for ready in host.rolled("router-1"))
    assert host.done == ["end router-1", "start router-1", "end spare", "retire spare"]


def test_one_that_does_not_end_is_killed() -> None:
    host = Host(stubborn=frozenset({"router-1"}))
    for _ in host.rolled("router-1"):
        pass
    assert host.said[-1] == "replaced router-1"
    assert host.now_s > 35
