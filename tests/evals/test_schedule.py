"""When nightly runs come: cron and time zones, jumps of the clock, and two schedulers on one store."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.clock import ManualClock
from aftertune.errors import BadInput
from aftertune.store import Store
from aftertune.values.evaluation import RunState, Trigger
from evals.schedule import Nightly, last_slot, nightly_trigger
from evals.triggers import open_nightly
from tests.evals.world import World
from tests.fakes.engine import FakeEngine


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
    ],
)
def test_the_last_slot(cron: str, zone: str, now: str, slot: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert last_slot(nightly_trigger(cron, zone), at) == datetime.fromisoformat(slot).replace(tzinfo=UTC)


NIGHT = nightly_trigger("30 2 * * *", "Europe/Berlin")
TIMES = st.integers(0, 730 * 86_400).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s))


@given(TIMES)
def test_a_slot_is_never_later_than_now_and_its_own_last_slot(now: datetime) -> None:
    slot = last_slot(NIGHT, now)
    assert slot is not None
    assert timedelta(0) <= now - slot <= timedelta(hours=49), "at most one night is missing, in spring"
    assert last_slot(NIGHT, slot) == slot


@pytest.mark.parametrize(
    ("cron", "zone", "said"),
    [
        ("0 2 * *", "UTC", "evals__nightly"),
        ("61 2 * * *", "UTC", "evals__nightly"),
        ("at night", "UTC", "evals__nightly"),
        ("0 0 31 2 *", "UTC", "never comes"),
        ("0 2 * * *", "Mars/Olympus", "evals__time_zone"),
        ("0 2 * * *", "", "evals__time_zone"),
        ("0 2 * * *", "Europe", "evals__time_zone"),
        ("0 2 * * *", "/etc/passwd", "evals__time_zone"),
    ],
)
def test_a_bad_schedule_names_its_setting(cron: str, zone: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        nightly_trigger(cron, zone)


def night(world: World) -> None:
    """The clock jumps over a slot and the scheduler's job comes, late."""
    world.clock.advance(86_400)
    world.nightly.note()


def test_a_nightly_run_measures_each_stable_release_once_a_slot(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url, "calls")
    world.deploy("tasks", "v1")
    world.step()
    night(world)
    world.nightly.note()
    world.step()

    nightly = world.run("nightly-20260105T0200Z-tasks-calls")
    assert (nightly.state, nightly.trigger, nightly.deployment) == (
        RunState.SUCCESSFUL,
        Trigger.NIGHTLY,
        "tasks",
    )
    world.step()
    assert len(world.runs) == 2
    night(world)
    world.step()
    assert len(world.runs) == 3


def test_a_slot_over_which_no_process_ran_comes_late_and_once(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url, "calls")
    world.deploy("tasks", "v1")
    world.step()
    world.clock.advance(3 * 86_400)
    world.restart()
    world.step()
    assert [run.trigger for run in world.runs] == [Trigger.REGISTRATION], "there was no nightly run before"

    night(world)
    world.step()
    world.clock.advance(3 * 86_400)
    world.restart()
    world.step()
    world.restart()
    world.step()
    assert [run.id for run in world.runs if run.trigger is Trigger.NIGHTLY] == [
        "nightly-20260111T0200Z-tasks-calls",
        "nightly-20260108T0200Z-tasks-calls",
    ]


def test_the_ledger_gives_a_slot_to_one_of_many(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url, "calls")
    world.deploy("tasks", "v1")
    slot, opened = world.clock.now(), []
    ready = threading.Barrier(4)

    def claim(holder: str) -> None:
        ready.wait(10)
        opened.extend(open_nightly(world.store, slot, holder, slot))

    claimers = [threading.Thread(target=claim, args=(f"process-{n}",)) for n in range(4)]
    for claimer in claimers:
        claimer.start()
    for claimer in claimers:
        claimer.join()
    assert len(opened) == 1


def test_two_schedulers_on_one_store_make_one_run(world: World, engine: FakeEngine, store: Store) -> None:
    """Real ones, whose job was due an hour ago: both fire, the ledger lets one open the run."""
    world.register("v1", engine.url, "calls")
    world.deploy("tasks", "v1")
    late = datetime.now(UTC) - timedelta(hours=1)
    others = [Nightly(nightly_trigger("0 2 * * *", "UTC"), world.clock) for _ in range(2)]
    for each in others:
        each._job.modify(next_run_time=late)
    with others[0].running(), others[1].running():
        for each in others:
            wait_for_slot(each)
    slots = [slot for each in others for slot in each.due()]
    opened = [
        run
        for holder, slot in enumerate(slots)
        for run in open_nightly(store, slot, f"process-{holder}", world.clock.now())
    ]
    assert (len(slots), len(opened)) == (2, 1)


def wait_for_slot(nightly: Nightly) -> None:
    waiting = threading.Event()
    for _ in range(500):
        if nightly.due():
            return
        waiting.wait(0.01)
    raise AssertionError("the scheduler did not fire")


def test_a_jump_of_the_clock_is_noticed_when_the_room_looks(clock: ManualClock) -> None:
    """The scheduler sleeps until the slot by its old clock; each look at what is due wakes it."""
    nightly = Nightly(nightly_trigger("0 2 * * *", "UTC"), clock)
    with nightly.running():
        assert nightly.due() == []
        nightly._job.modify(next_run_time=datetime.now(UTC) - timedelta(seconds=1))
        nightly._scheduler._event.clear()
        wait_for_slot(nightly)
    assert nightly.due() == [datetime(2026, 1, 4, 2, tzinfo=UTC)]
