"""One weekly report a week, however many schedulers run and however clocks jump."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aftertune.clock import ManualClock
from aftertune.errors import BadInput
from aftertune.store import Store
from reports.weekly import Weekly, due_weeks, trigger_of

CRON = "0 6 * * mon"
DUE = datetime(2026, 1, 19, 6, tzinfo=UTC)


def begun(store: Store, at: datetime) -> None:
    with store.write() as tx:
        tx.audit.append(at, "system", "create_user", "admin")


def weeks(store: Store) -> list[str]:
    with store.read() as tx:
        return sorted(report.week for report in tx.reports.all())


def weekly(store: Store, at: datetime, holder: str = "a") -> Weekly:
    return Weekly(store, ManualClock(at), CRON, "UTC", holder)


def test_it_is_due_at_its_time_and_asked_for_once(store: Store) -> None:
    begun(store, DUE - timedelta(days=3))
    assert weekly(store, DUE - timedelta(seconds=1)).step() == []
    clock = ManualClock(DUE)
    schedule = Weekly(store, clock, CRON, "UTC", "a")
    assert [report.week for report in schedule.step()] == ["2026-W03"]
    for seconds in (0, 1, 3600, -7200, 10_000):
        clock.advance(seconds)
        assert schedule.step() == []
    with store.read() as tx:
        entry = tx.audit.latest(1)[0]
    assert (entry.action, entry.subject) == ("request_report", "2026-W03")


def test_a_clock_that_jumps_over_the_slot_misses_nothing(store: Store) -> None:
    begun(store, DUE - timedelta(days=20))
    weekly(store, DUE - timedelta(days=20)).step()
    asked = weekly(store, DUE + timedelta(days=8)).step()
    assert [report.week for report in asked] == ["2026-W01", "2026-W02", "2026-W03", "2026-W04"]


def test_weeks_before_the_first_record_are_not_reported(store: Store) -> None:
    assert weekly(store, DUE).step() == []
    begun(store, DUE - timedelta(hours=1))
    assert weekly(store, DUE).step() == []


def test_two_schedulers_ask_for_one_report(store: Store) -> None:
    begun(store, DUE - timedelta(days=3))
    together = threading.Barrier(4)

    def run(holder: str) -> None:
        schedule = weekly(store, DUE, holder)
        together.wait()
        schedule.step()

    threads = [threading.Thread(target=run, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert weeks(store) == ["2026-W03"]


def test_summer_time_moves_the_hour_and_not_the_week() -> None:
    trigger = trigger_of(CRON, "Europe/Berlin")
    monday = datetime(2026, 3, 30, 4, tzinfo=UTC)
    assert [week.name for week in due_weeks(trigger, monday, "Europe/Berlin")][-1] == "2026-W13"
    early = monday - timedelta(seconds=1)
    assert [week.name for week in due_weeks(trigger, early, "Europe/Berlin")][-1] == "2026-W12"


@pytest.mark.parametrize("monday", ["mon", "1"])
def test_weekdays_are_counted_as_crontab_does(monday: str) -> None:
    at = datetime(2026, 3, 30, 6, tzinfo=UTC)
    assert trigger_of(f"0 6 * * {monday}", "UTC").get_next_fire_time(None, at - timedelta(days=6)) == at


@pytest.mark.parametrize("cron", ["", "every monday", "0 25 * * *"])
def test_a_schedule_that_is_none_is_refused(cron: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        trigger_of(cron, "UTC")
