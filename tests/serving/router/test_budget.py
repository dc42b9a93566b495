"""What a budget lets through, by an injected clock."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.route import MirrorBudget, Window
from serving.router.budget import Meter

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
FREE = 1_000_000


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def meter(concurrency: int = FREE, **limits: Any) -> Meter:
    return Meter(MirrorBudget(**limits), concurrency)


def passed(subject: Meter, attempts: int, now: float = 0.0, moment: datetime = NOON) -> int:
    return sum(subject.refuses(now, at(moment)) is None for _ in range(attempts))


def test_without_limits_only_the_default_concurrency_holds() -> None:
    subject = meter(concurrency=4)
    assert passed(subject, 10) == 4
    assert subject.refuses(0.0, at(NOON)) == "concurrency"
    subject.finished(0)
    assert subject.refuses(0.0, at(NOON)) is None


def test_the_budgets_own_concurrency_goes_before_the_default() -> None:
    assert passed(Meter(MirrorBudget(concurrency=2), 4), 10) == 2
    assert passed(Meter(MirrorBudget(concurrency=6), 4), 10) == 6


@given(st.floats(0.1, 50), st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_the_rate_is_kept_over_any_stretch_of_time(per_s: float, gaps: list[float]) -> None:
    subject, now, taken = meter(per_s=per_s), 0.0, 0
    for gap in gaps:
        now += gap
        taken += passed(subject, 5, now)
    assert taken <= max(1.0, per_s) + now * per_s + 1e-6


def test_a_rate_below_one_a_second_lets_one_through_now_and_then() -> None:
    subject = meter(per_s=0.1)
    assert [passed(subject, 3, now) for now in (0.0, 5.0, 10.5, 12.0, 21.0)] == [1, 0, 1, 0, 1]
    assert subject.refuses(21.0, at(NOON)) == "rate"


def test_what_is_refused_costs_no_rate() -> None:
    subject = Meter(MirrorBudget(per_s=2, concurrency=1), 1)
    assert subject.refuses(0.0, at(NOON)) is None
    assert {subject.refuses(0.0, at(NOON)) for _ in range(5)} == {"concurrency"}
    subject.finished(0)
    assert subject.refuses(0.0, at(NOON)) is None


def test_tokens_are_paid_afterwards_and_for_a_day_in_utc() -> None:
    subject = meter(tokens_a_day=100)
    assert passed(subject, 3) == 3
    for _ in range(3):
        subject.finished(60)
    assert subject.refuses(0.0, at(NOON)) == "tokens"
    assert subject.refuses(0.0, at(NOON.replace(hour=23, minute=59))) == "tokens"
    assert subject.refuses(0.0, at(NOON.replace(hour=0) + timedelta(days=1))) is None


def test_a_budget_of_no_tokens_copies_nothing() -> None:
    assert meter(tokens_a_day=0).refuses(0.0, at(NOON)) == "tokens"


@pytest.mark.parametrize(
    ("since", "until", "clock", "is_open"),
    [
        ("08:00", "18:00", "08:00", True),
        ("08:00", "18:00", "17:59", True),
        ("08:00", "18:00", "18:00", False),
        ("08:00", "18:00", "07:59", False),
        ("22:00", "06:00", "23:00", True),
        ("22:00", "06:00", "00:00", True),
        ("22:00", "06:00", "05:59", True),
        ("22:00", "06:00", "06:00", False),
        ("22:00", "06:00", "12:00", False),
        ("07:00", "07:00", "06:00", True),
    ],
)
def test_windows(since: str, until: str, clock: str, is_open: bool) -> None:
    subject = meter(windows=(Window(since=time.fromisoformat(since), until=time.fromisoformat(until)),))
    moment = datetime.combine(NOON.date(), time.fromisoformat(clock), tzinfo=UTC)
    assert subject.refuses(0.0, at(moment)) == (None if is_open else "window")


def test_several_windows_and_one_in_another_time_zone() -> None:
    east = timezone(timedelta(hours=2))
    subject = meter(
        windows=(
            Window(since=time(1), until=time(2)),
            Window(since=time(12, tzinfo=east), until=time(13, tzinfo=east)),
        )
    )
    opened = [h for h in range(24) if subject.refuses(0.0, at(NOON.replace(hour=h))) is None]
    assert opened == [1, 10]


def test_a_changed_budget_keeps_what_was_spent() -> None:
    subject = meter()
    assert passed(subject, 3) == 3
    subject.finished(500)
    subject.changed(MirrorBudget(tokens_a_day=400), 10)
    assert subject.refuses(0.0, at(NOON)) == "tokens"
    subject.changed(MirrorBudget(tokens_a_day=600, concurrency=3), 10)
    assert [subject.refuses(0.0, at(NOON)) for _ in range(2)] == [None, "concurrency"]
    subject.changed(MirrorBudget(per_s=2), 10)
    assert passed(subject, 5) <= 2


@given(st.lists(st.sampled_from(["ask", "finish"]), max_size=80), st.integers(1, 5))
def test_slots_are_never_exceeded_nor_lost(steps: list[str], slots: int) -> None:
    subject, under_way = Meter(MirrorBudget(concurrency=slots), 1), 0
    for step in steps:
        if step == "finish" and under_way:
            subject.finished(1)
            under_way -= 1
        elif step == "ask":
            assert subject.refuses(0.0, at(NOON)) == (None if under_way < slots else "concurrency")
            under_way = min(slots, under_way + 1)
