"""When scheduled runs come: cron, intervals and time zones, jumps of the clock, and several schedulers on one store."""

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aftertune.errors import BadInput
from aftertune.values.evaluation import RunState, Trigger
from aftertune.values.schedule import NIGHTLY, WEEKLY, Schedule
from evals.timetable import Cron, Interval, Job, Slot, Timetable, timetable
from evals.triggers import open_slot
from tests.evals.world import World
from tests.fakes.engine import FakeEngine

START = datetime(2026, 1, 5, 3, tzinfo=UTC)
TIMES = st.integers(0, 730 * 86_400).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
BERLIN = ZoneInfo("Europe/Berlin")
RHYTHMS = st.sampled_from(
    [Cron("30 2 * * *", BERLIN), Cron("0 6 * * mon", BERLIN), Interval(900, BERLIN), Interval(86_400, BERLIN)]
)


@pytest.mark.parametrize(
    ("cron", "zone", "now", "slot"),
    [
        ("0 2 * * *", "UTC", "2026-01-05T02:00:00", "2026-01-05T02:00:00"),
        ("0 2 * * *", "UTC", "2026-01-05T01:59:59", "2026-01-04T02:00:00"),
        ("0 2 * * *", "Asia/Tokyo", "2026-01-05T01:00:00", "2026-01-04T17:00:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-07-01T03:00:00", "2026-07-01T00:30:00"),
        ("0 6 * * mon", "UTC", "2026-01-11T23:00:00", "2026-01-05T06:00:00"),
        ("0 0 29 2 *", "UTC", "2026-06-01T00:00:00", "2024-02-29T00:00:00"),
        ("* * * * *", "UTC", "2026-01-05T02:00:30", "2026-01-05T02:00:00"),
        ("0 6 * * 0", "UTC", "2026-01-09T00:00:00", "2026-01-04T06:00:00"),
        ("0 6 * * 7", "UTC", "2026-01-09T00:00:00", "2026-01-04T06:00:00"),
        ("0 6 * * 1", "UTC", "2026-01-09T00:00:00", "2026-01-05T06:00:00"),
        ("0 6 * * 1-5", "UTC", "2026-01-11T23:00:00", "2026-01-09T06:00:00"),
        ("0 6 * * 6,0", "UTC", "2026-01-12T05:00:00", "2026-01-11T06:00:00"),
        ("0 6 * * */2", "UTC", "2026-01-12T05:00:00", "2026-01-11T06:00:00"),
    ],
)
def test_the_last_slot_of_a_cron(cron: str, zone: str, now: str, slot: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert Cron(cron, ZoneInfo(zone)).last(at) == datetime.fromisoformat(slot).replace(tzinfo=UTC)


def test_an_interval_starts_at_midnight_of_its_zone() -> None:
    assert Interval(3600 * 6, ZoneInfo("UTC")).last(START) == datetime(2026, 1, 5, 0, tzinfo=UTC)
    assert Interval(3600 * 6, ZoneInfo("Asia/Kolkata")).last(START) == datetime(2026, 1, 5, 0, 30, tzinfo=UTC)


@given(RHYTHMS, TIMES)
def test_a_slot_is_its_own_last_one_and_none_lies_between_last_and_next(
    rhythm: Cron | Interval, now: datetime
) -> None:
    last, following = rhythm.last(now), rhythm.next(now)
    assert last is not None
    assert following is not None
    assert last <= now < following
    assert rhythm.last(last) == last
    assert rhythm.next(last) == following
    assert rhythm.last(following) == following


@given(st.floats(0, 7200), TIMES)
def test_jitter_delays_a_slot_by_less_than_it_says_and_equally_everywhere(
    jitter_s: float, now: datetime
) -> None:
    job, same = (Job("nightly", Cron("0 2 * * *", BERLIN), jitter_s, 43_200) for _ in range(2))
    slot = job.rhythm.last(now)
    assert slot is not None
    assert timedelta(0) <= job.delay(slot) <= timedelta(seconds=jitter_s)
    assert job.delay(slot) == same.delay(slot)


def plan(jitter_s: float = 0.0, misfire_s: float = 43_200.0) -> Timetable:
    return Timetable([Job("nightly", Cron("0 2 * * *", ZoneInfo("UTC")), jitter_s, misfire_s)], START)


def looks(table: Timetable, times: list[datetime]) -> list[Slot]:
    """What one process settles that looks at these times."""
    settled: dict[str, datetime] = {}
    found = []
    for now in times:
        for slot in table.due(now, settled):
            settled[slot.job.name] = slot.at
            found.append(slot)
    return found


def hours(*each: float) -> list[datetime]:
    return [START + timedelta(hours=hour) for hour in each]


def test_before_the_first_look_nothing_was_promised() -> None:
    assert looks(plan(), hours(0, 1, 22.99)) == []


def test_each_slot_comes_once() -> None:
    found = looks(plan(), hours(*(n / 4 for n in range(4 * 24 * 3))))
    assert [slot.at.isoformat() for slot in found] == [
        f"2026-01-{day:02}T02:00:00+00:00" for day in (6, 7, 8)
    ]
    assert not any(slot.missed for slot in found)


def test_of_slots_that_nobody_saw_only_the_last_one_comes() -> None:
    (slot,) = looks(plan(), hours(0, 24 * 5))
    assert (slot.at, slot.missed) == (datetime(2026, 1, 10, 2, tzinfo=UTC), False)


def test_a_slot_that_is_too_late_is_missed() -> None:
    (slot,) = looks(plan(misfire_s=3000), hours(0, 24))
    assert slot.missed


def test_a_clock_that_goes_back_brings_nothing_twice() -> None:
    assert len(looks(plan(), hours(0, 24, 12, 22, 23.5, 24, 25))) == 1


def test_a_slot_waits_for_its_jitter() -> None:
    table = plan(jitter_s=7200)
    slot = datetime(2026, 1, 6, 2, tzinfo=UTC)
    ready = slot + table.jobs[0].delay(slot)
    assert slot < ready
    assert looks(table, [slot, ready - timedelta(seconds=1)]) == []
    assert [each.at for each in looks(table, [slot, ready])] == [slot]


@pytest.mark.parametrize(
    ("schedule", "zone", "said"),
    [
        (Schedule(name="often", cron="0 2 * *"), "UTC", "'often'.*no cron expression"),
        (Schedule(name="often", cron="61 2 * * *"), "UTC", "'often'"),
        (Schedule(name="often", cron="at night"), "UTC", "'often'"),
        (Schedule(name="often", cron="0 0 31 2 *"), "UTC", "never comes"),
        (Schedule(name="often", every_s=60), "Mars/Olympus", "Mars/Olympus"),
        (Schedule(name="often", every_s=60, time_zone="Europe"), "UTC", "Europe"),
        (Schedule(name="often", every_s=60), "/etc/passwd", "no time zone"),
        (Schedule(name="often", every_s=60), "", "no time zone"),
    ],
)
def test_a_bad_schedule_is_named(schedule: Schedule, zone: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        timetable([schedule], zone, START)


def test_a_schedule_has_one_rhythm_and_a_name_of_its_own() -> None:
    for fields in ({}, {"cron": "0 2 * * *", "every_s": 60}):
        with pytest.raises(ValidationError, match="either cron or every_s"):
            Schedule.model_validate({"name": "often", **fields})
    with pytest.raises(BadInput, match="'nightly' twice"):
        timetable([NIGHTLY, WEEKLY, NIGHTLY], "UTC", START)


def night(world: World, days: int = 1) -> None:
    """The clock jumps over slots, to three in the morning."""
    world.clock.advance(86_400 * days)
    world.step()


def deployed(world: World, engine: FakeEngine) -> World:
    world.register("v1", engine.url, "calls")
    world.deploy("tasks", "v1")
    world.step()
    return world


def scheduled(world: World) -> list[str]:
    return [run.id for run in reversed(world.runs) if run.trigger is not Trigger.REGISTRATION]


def test_a_nightly_run_measures_each_stable_release_once_a_slot(world: World, engine: FakeEngine) -> None:
    deployed(world, engine)
    night(world)
    world.step()
    (name,) = scheduled(world)
    run = world.run(name)
    assert (run.state, run.trigger, run.deployment) == (RunState.SUCCESSFUL, Trigger.NIGHTLY, "tasks")
    night(world)
    assert len(scheduled(world)) == 2


def test_a_slot_over_which_no_process_ran_comes_late_and_once(world: World, engine: FakeEngine) -> None:
    deployed(world, engine)
    night(world)
    world.clock.advance(3 * 86_400)
    for _ in range(2):
        world.restart()
        world.step()
    assert len(scheduled(world)) == 2


def test_the_ledger_gives_a_slot_to_one_of_many(world: World, engine: FakeEngine) -> None:
    deployed(world, engine)
    slot = Slot(world.timetable.jobs[0], world.clock.now(), missed=False)
    opened = []
    ready = threading.Barrier(4)

    def claim(holder: str) -> None:
        ready.wait(10)
        opened.extend(open_slot(world.store, slot, holder, slot.at))

    claimers = [threading.Thread(target=claim, args=(f"process-{n}",)) for n in range(4)]
    for claimer in claimers:
        claimer.start()
    for claimer in claimers:
        claimer.join()
    assert len(opened) == 1


def test_a_missed_slot_opens_nothing_and_is_settled(world: World, engine: FakeEngine) -> None:
    deployed(world, engine)
    slot = Slot(world.timetable.jobs[0], world.clock.now(), missed=True)
    assert open_slot(world.store, slot, "here", world.clock.now()) == []
    assert open_slot(world.store, slot._replace(missed=False), "here", world.clock.now()) == []


def test_what_is_still_under_way_is_not_opened_beside_itself(world: World, engine: FakeEngine) -> None:
    deployed(world, engine)
    job, at = world.timetable.jobs[0], world.clock.now()
    first = open_slot(world.store, Slot(job, at, missed=False), "here", at)
    second = open_slot(world.store, Slot(job, at + timedelta(days=1), missed=False), "here", at)
    assert (len(first), second) == (1, [])


def test_a_schedule_may_name_its_suites_and_deployments(world: World, engine: FakeEngine) -> None:
    deployed(world, engine)
    job, at = world.timetable.jobs[0]._replace(name="hourly", suites=("memory",)), world.clock.now()
    (run,) = open_slot(world.store, Slot(job, at, missed=False), "here", at)
    assert (run.suite, run.trigger) == ("memory", Trigger.SCHEDULED)
    elsewhere = job._replace(deployments=("other",))
    assert open_slot(world.store, Slot(elsewhere, at + timedelta(hours=1), missed=False), "here", at) == []
