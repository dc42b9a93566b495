"""Training jobs: how far, whether they are alive, and their curve."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.training import TrainingPoint, TrainingState
from console.curve import HEIGHT, WIDTH, curve
from console.training import heartbeat, silent
from tests.console.conftest import Console
from tests.console.evidence import JOB, SILENT_JOB


async def test_jobs_are_listed(console: Console) -> None:
    jobs = (await console.get("viewer", "/v1/training")).json()
    assert {job["id"] for job in jobs} == {JOB, SILENT_JOB}
    assert (await console.get("viewer", f"/v1/training/{JOB}")).json()["step"] == 260
    assert (await console.get("viewer", "/v1/training/none")).status_code == 404


@pytest.mark.parametrize(
    ("age_s", "said", "is_silent"),
    [(0, "last heard 0 s ago", False), (20, "last heard 20 s ago", False), (21, "silent for 21 s", True)],
)
async def test_a_heartbeat_in_words(console: Console, age_s: float, said: str, is_silent: bool) -> None:
    with console.store.read() as tx:
        job = tx.training.get(JOB)
    now = job.heartbeat_at + timedelta(seconds=age_s)
    assert heartbeat(job, now, 2.0).startswith(said)
    assert silent(job, now, 2.0) is is_silent
    ended = job.model_copy(update={"state": TrainingState.STOPPED, "ended_at": job.heartbeat_at})
    assert heartbeat(ended, now, 2.0) == f"ended {age_s:g} s ago"
    assert not silent(ended, now, 2.0)


async def test_pages_tell_the_living_from_the_silent(console: Console) -> None:
    page = (await console.get("viewer", f"/training/{JOB}")).text
    assert "Last heard 3 s ago." in page
    assert '<progress max="400" value="260"' in page
    assert 'http-equiv="refresh"' in page
    assert "not registered yet" in page
    assert page.count("<polyline") == 2
    page = (await console.get("viewer", f"/training/{SILENT_JOB}")).text
    assert "Silent for 5 min: probably killed; run the command again" in page
    with console.store.write() as tx:
        failed = {"state": TrainingState.FAILED, "reason": "line 7 of /srv/x.jsonl: <b>", "points": ()}
        tx.training.save(tx.training.get(JOB).model_copy(update=failed))
    page = (await console.get("viewer", f"/training/{JOB}")).text
    assert "line 7 of [path] &lt;b&gt;" in page
    assert 'http-equiv="refresh"' not in page
    assert "Nothing was reported yet" in page


@given(
    st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1e6), st.none() | st.floats(0, 1e6)), min_size=1),
    st.none() | st.integers(0, 50),
)
def test_curves_stay_inside(points: list[tuple[int, float, float | None]], best: int | None) -> None:
    drawn = curve([TrainingPoint(step=s, loss=x, validation=v) for s, x, v in points], 50, best)
    assert drawn is not None
    marks = [*drawn.loss, *drawn.validation, *([drawn.best] if drawn.best else [])]
    assert all(0 <= mark.x <= WIDTH and 0 <= mark.y <= HEIGHT for mark in marks)
    assert len(drawn.loss) == len(points)


def test_nothing_and_infinity_are_not_drawn() -> None:
    assert curve([], 10, None) is None
    assert curve([TrainingPoint(step=1, loss=math.inf), TrainingPoint(step=2, loss=math.nan)], 10, 1) is None
