"""Weeks are ISO weeks in a time zone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.errors import BadInput
from aftertune.week import week_before, week_named


def test_a_week_runs_from_monday_to_monday() -> None:
    week = week_named("2026-W01", "UTC")
    assert (week.since, week.until) == (
        datetime(2025, 12, 29, tzinfo=UTC),
        datetime(2026, 1, 5, tzinfo=UTC),
    )
    assert week.over(week.until)
    assert not week.over(week.until - timedelta(microseconds=1))


def test_summer_time_makes_a_week_shorter() -> None:
    week = week_named("2026-W13", "Europe/Berlin")
    assert week.until - week.since == timedelta(days=7) - timedelta(hours=1)


@pytest.mark.parametrize("name", ["2027-W53", "2026-W00", "2026-W54", "W03", "2026-W3", "2026-W03; drop", ""])
def test_what_is_no_week_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="There is no ISO week"):
        week_named(name, "UTC")


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(BadInput, match="Unknown time zone"):
        week_named("2026-W03", "Mars/Olympus")


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_the_week_before_is_the_last_that_is_over(at: datetime) -> None:
    week = week_before(at, "America/New_York")
    assert week.over(at)
    assert at < week.until + timedelta(days=7, hours=1)
