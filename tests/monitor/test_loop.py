"""A loop never dies, says a fault once, and backs off."""

import threading

import pytest

from monitor.loop import Loop


def test_faults_are_said_once_each_and_the_loop_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    faults = [OSError("away"), OSError("away"), ValueError("odd"), None]
    done = threading.Event()

    def step() -> None:
        fault = faults.pop(0) if faults else None
        if fault is not None:
            raise fault
        done.set()

    loop = Loop("ingest", step, tick_s=0.001)
    loop.start()
    assert done.wait(10)
    loop.stop()
    loop.join(10)

    assert [record.message for record in caplog.records] == [
        "ingest failed and is tried again.",
        "ingest failed and is tried again.",
        "ingest works again after 3 failures.",
    ]


def test_a_wake_up_comes_before_the_next_tick() -> None:
    steps = threading.Semaphore(0)
    loop = Loop("controller", steps.release, tick_s=3600)
    loop.start()
    assert steps.acquire(timeout=10)

    loop.wake()

    assert steps.acquire(timeout=10)
    loop.stop()
    loop.join(10)
    assert not loop.is_alive()
