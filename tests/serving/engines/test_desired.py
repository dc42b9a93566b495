from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.deployment import Deployment, ShadowRule
from aftertune.values.evaluation import EvaluationRun, RunState, Trigger
from aftertune.values.release import EngineKind, ReleaseState
from serving.engines.desired import desired, used
from tests.serving.engines.releases import START, ready

HOUR = timedelta(hours=1)
RELEASES = [ready(name) for name in ("a", "b", "c", "d")]
NAMES = st.sets(st.sampled_from([release.id for release in RELEASES]))


def test_a_deployment_uses_stable_candidate_and_previous_good() -> None:
    first = Deployment(name="x", generation=1, stable="a", previous_good="b", candidate="c")
    second = Deployment(name="y", generation=1, stable="d")
    assert used([first, second], [], [], RELEASES, ()) == {"a", "b", "c", "d"}


def test_shadows_are_used_until_they_are_in_quarantine() -> None:
    shadows = (ShadowRule(release="b"), ShadowRule(release="c"))
    deployment = Deployment(name="x", generation=1, stable="a", shadows=shadows)
    assert used([deployment], [], [], RELEASES, ()) == {"a", "b", "c"}
    assert used([deployment], [], [], RELEASES, {"a", "c"}) == {"a", "b"}


def test_an_open_run_keeps_its_release_and_its_base_up() -> None:
    base = ready("base").model_copy(update={"base_path": "models/base"})
    tuned = base.model_copy(update={"id": "tuned", "adapter_path": "adapters/tuned"})
    other = tuned.model_copy(update={"id": "other", "base_path": "models/other"})
    run = EvaluationRun(
        id="run-1",
        suite="forgetting",
        release="tuned",
        trigger=Trigger.BY_HAND,
        state=RunState.QUEUED,
        requested_by="olga",
        requested_at=START,
    )
    assert used([], [], [run], [other, base, tuned], ()) == {"tuned", "base"}
    assert used([], [], [run.model_copy(update={"release": "other"})], [base, other], ()) == {"other"}


@pytest.mark.parametrize(
    ("in_use", "quarantined", "age", "wanted"),
    [
        pytest.param({"a"}, set(), 5 * HOUR, True, id="in use, though old"),
        pytest.param({"a"}, {"a"}, 5 * HOUR, True, id="in use, though in quarantine"),
        pytest.param(set(), set(), HOUR / 2, True, id="fresh"),
        pytest.param(set(), set(), HOUR, False, id="not fresh any more"),
        pytest.param(set(), {"a"}, HOUR / 2, False, id="in quarantine and unused"),
    ],
)
def test_when_a_release_is_kept_running(
    in_use: set[str], quarantined: set[str], age: timedelta, wanted: bool
) -> None:
    kept = desired([ready("a")], in_use, quarantined, {}, START + age, HOUR)
    assert (kept == {"a"}) is wanted


def test_a_release_stays_warm_after_its_last_use() -> None:
    last_used = {"a": START + 4 * HOUR}
    assert desired([ready("a")], set(), set(), last_used, START + 4.5 * HOUR, HOUR) == {"a"}
    assert desired([ready("a")], set(), set(), last_used, START + 5 * HOUR, HOUR) == set()


@pytest.mark.parametrize("state", [ReleaseState.REGISTERED, ReleaseState.MERGING, ReleaseState.REJECTED])
def test_only_ready_releases_run(state: ReleaseState) -> None:
    release = ready("a").model_copy(update={"state": state})
    assert desired([release], {"a"}, set(), {}, START, HOUR) == set()


def test_an_external_release_is_watched_until_it_is_in_quarantine() -> None:
    release = ready("a", engine=EngineKind.EXTERNAL, url="http://127.0.0.1:1")
    assert desired([release], set(), set(), {}, START + 100 * HOUR, HOUR) == {"a"}
    assert desired([release], set(), {"a"}, {}, START, HOUR) == set()


@given(in_use=NAMES, quarantined=NAMES, minutes=st.integers(0, 600))
def test_what_is_in_use_runs_and_what_is_in_quarantine_and_unused_does_not(
    in_use: set[str], quarantined: set[str], minutes: int
) -> None:
    kept = desired(RELEASES, in_use, quarantined, {}, START + timedelta(minutes=minutes), HOUR)
    assert in_use <= kept
    assert not kept & (quarantined - in_use)
    if minutes >= 60:
        assert kept == in_use
