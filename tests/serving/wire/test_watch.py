"""Deadlines: nothing expires early, everything expires soon, and one that fails spoils no other's."""

from contextlib import suppress
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from serving.wire.watch import TICK_S, Watch
from tests.serving.wire.transport import Clock


class Thing:
    def __init__(self, deadline: float, watch: Watch) -> None:
        self.deadline = deadline
        self.expired: list[float] = []
        self._watch = watch
        self.also: list[Thing] = []
        watch.add(self)

    def expire(self, now: float) -> None:
        self.expired.append(now)
        self.deadline = inf
        for other in self.also:
            self._watch.forget(other)


class Broken(Thing):
    def expire(self, now: float) -> None:
        raise RuntimeError("cannot expire")


@given(st.lists(st.floats(0, 5) | st.just(inf), max_size=20), st.floats(0, 6))
def test_each_expires_once_and_neither_early_nor_late(deadlines: list[float], until: float) -> None:
    clock = Clock()
    watch = Watch(clock.loop)
    things = [Thing(deadline, watch) for deadline in deadlines]
    clock.pass_to(until)
    for deadline, thing in zip(deadlines, things, strict=True):
        if thing.expired:
            (at,) = thing.expired
            assert deadline <= at <= deadline + 2 * TICK_S
        else:
            assert deadline > until - 2 * TICK_S
    watch.stop()
    assert clock.timers == 0
    assert len(watch) == len(things)


def test_what_is_forgotten_does_not_expire() -> None:
    clock = Clock()
    watch = Watch(clock.loop)
    thing = Thing(1.0, watch)
    watch.forget(thing)
    watch.forget(thing)
    clock.pass_to(5.0)
    assert not thing.expired
    assert len(watch) == 0


def test_what_another_s_end_forgot_in_the_same_turn_does_not_expire() -> None:
    clock = Clock()
    watch = Watch(clock.loop)
    first, second = Thing(1.0, watch), Thing(1.0, watch)
    first.also.append(second)
    clock.pass_to(2.0)
    assert first.expired
    assert not second.expired


def test_one_that_cannot_expire_does_not_keep_others_alive() -> None:
    clock = Clock()
    watch = Watch(clock.loop)
    Broken(1.0, watch)
    sound = Thing(1.0, watch)
    for step in range(1, 60):
        with suppress(RuntimeError):
            clock.pass_to(step * TICK_S)
    assert sound.expired
