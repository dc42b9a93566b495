"""Each requested report ends ready or failed, whatever happens to the build or to the room."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from aftertune.clock import ManualClock
from aftertune.store import Store
from aftertune.values.report import Report, ReportState
from reports.builder import LEASE, LEASE_S, Builder
from reports.bundle import put
from reports.child import BuildProcess, Child
from reports.metrics import Metrics
from tests.reports import world


class Build:
    """A build that ends as the test says; it takes `seconds` of the manual clock."""

    def __init__(
        self, store: Store, clock: ManualClock, code: int, words: str = "", seconds: float = 0.0
    ) -> None:
        self._store, self._clock, self._code, self._words, self._left = store, clock, code, words, seconds
        self.report = ""
        self.killed = False

    def __call__(self, report: str) -> Child:
        self.report = report
        return self

    def wait(self, timeout_s: float) -> int | None:
        if self._left > 0:
            self._clock.advance(timeout_s)
            self._left -= timeout_s
            return None
        if self._code == 0:
            with self._store.write() as tx:
                found = tx.reports.get(self.report)
                tx.reports.save(found.model_copy(update={"state": ReportState.READY}))
        return self._code

    def kill(self) -> None:
        self.killed = True

    def last_words(self) -> str:
        return self._words


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


def builder(
    store: Store, clock: ManualClock, build: Build, stop: threading.Event, holder: str = "a"
) -> Builder:
    return Builder(store, clock, Metrics(), build, holder, 60.0, stop)


def asked(
    store: Store, name: str = "rp-1", state: ReportState = ReportState.REQUESTED, revision: int = 1
) -> None:
    with store.write() as tx:
        tx.reports.add(world.report(name, state=state, revision=revision))


def found(store: Store, name: str = "rp-1") -> Report:
    with store.read() as tx:
        return tx.reports.get(name)


def test_nothing_waits(store: Store, clock: ManualClock, stop: threading.Event) -> None:
    assert not builder(store, clock, Build(store, clock, 0), stop).step()


def test_the_oldest_is_built_first(store: Store, clock: ManualClock, stop: threading.Event) -> None:
    asked(store)
    build = Build(store, clock, 0)
    assert builder(store, clock, build, stop).step()
    assert build.report == "rp-1"
    assert found(store).state is ReportState.READY


def test_one_that_a_killed_room_left_is_built_again(
    store: Store, clock: ManualClock, stop: threading.Event
) -> None:
    asked(store, state=ReportState.BUILDING)
    assert builder(store, clock, Build(store, clock, 0), stop).step()
    assert found(store).state is ReportState.READY


@pytest.mark.parametrize(
    ("code", "words", "reason"),
    [
        (2, "The week 2026-W03 is open until Monday.", "The week 2026-W03 is open until Monday."),
        (-9, "", "The build was killed by SIGKILL: memory ran out, or somebody killed it."),
    ],
)
def test_a_build_that_dies_fails_with_its_reason(
    code: int, words: str, reason: str, store: Store, clock: ManualClock, stop: threading.Event
) -> None:
    asked(store)
    assert builder(store, clock, Build(store, clock, code, words), stop).step()
    report = found(store)
    assert (report.state, report.reason) == (ReportState.FAILED, reason)
    with store.read() as tx:
        assert [entry.action for entry in tx.audit.latest(1)] == ["report_failed"]


def test_a_build_that_takes_too_long_is_ended(
    store: Store, clock: ManualClock, stop: threading.Event
) -> None:
    asked(store)
    build = Build(store, clock, 0, seconds=1000)
    assert builder(store, clock, build, stop).step()
    assert build.killed
    assert found(store).reason == "The build took longer than 60 s and was ended."


def test_a_long_build_keeps_the_lease(store: Store, clock: ManualClock, stop: threading.Event) -> None:
    asked(store)
    builder(store, clock, Build(store, clock, 0, seconds=LEASE_S * 1.5), stop).step()
    with store.write() as tx:
        now = clock.now()
        assert not tx.leases.acquire(LEASE, "another room", now, now + timedelta(seconds=1))


def test_another_room_waits_for_the_lease(store: Store, clock: ManualClock, stop: threading.Event) -> None:
    asked(store)
    with store.write() as tx:
        tx.leases.acquire(LEASE, "another room", clock.now(), clock.now() + timedelta(seconds=LEASE_S))
    assert not builder(store, clock, Build(store, clock, 0), stop).step()
    assert found(store).state is ReportState.REQUESTED


def test_a_room_that_stops_leaves_the_report_for_the_next(
    store: Store, clock: ManualClock, stop: threading.Event
) -> None:
    asked(store)
    stop.set()
    build = Build(store, clock, 0, seconds=5)
    assert not builder(store, clock, build, stop).step()
    assert build.killed
    assert found(store).state is ReportState.BUILDING


def test_a_real_child_tells_how_it_ended() -> None:
    said = "import sys; print('warning'); sys.exit('error: no such week ' + sys.argv[1])"
    child = BuildProcess("rp-1", (sys.executable, "-c", said))
    assert child.wait(100) == 1
    assert child.last_words() == "no such week rp-1"
    slow = BuildProcess("rp-1", (sys.executable, "-c", "import time; time.sleep(60)"))
    assert slow.wait(0.01) is None
    slow.kill()


def test_a_build_dies_with_its_room() -> None:
    """The room is killed (kill -9): the pipe that only the build holds open is closed at once."""
    room = (
        "import sys; from reports.child import BuildProcess\n"
        "BuildProcess('rp-1', (sys.executable, '-c', 'import os, sys, time; os.write(int(sys.argv[-2]), b\"!\");"
        " time.sleep(60)', sys.argv[1])); import time; time.sleep(60)"
    )
    reading, writing = os.pipe()
    # Popen closes other descriptors, so the build opens the room's by its path.
    room = room.replace("int(sys.argv[-2])", "os.open(sys.argv[1], os.O_WRONLY)")
    path = f"/proc/{os.getpid()}/fd/{writing}"
    process = subprocess.Popen([sys.executable, "-c", room, path])
    assert os.read(reading, 1) == b"!"
    os.close(writing)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert os.read(reading, 1) == b"", "the build still holds the pipe"
    os.close(reading)


def test_a_half_written_folder_is_never_seen_and_never_kept(tmp_path: Path) -> None:
    left = tmp_path / ".rp-1.77"
    left.mkdir()
    (left / "report.json").write_text("half")
    whole = tmp_path / "rp-1"
    whole.mkdir()
    (whole / "report.pdf").write_text("of a build whose row was never written")
    put(whole, {"report.json": b"{}"})
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == [
        "rp-1",
        "rp-1/report.json",
    ]
