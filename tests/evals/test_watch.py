"""The nightly watch: what alarms, what starts anew, and what is neither quiet nor an alarm."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.values.evaluation import (
    Better,
    Bound,
    EvaluationRun,
    RunState,
    SampleResult,
    Signature,
    Trigger,
)
from aftertune.values.watch import Outcome, Reading
from evals.conclusion.watch import FALSE_ALARMS, Night, Watch, Watched, gated, look, night_of
from evals.suite.card import GateCard
from evals.suite.suite import SUITES, load_suite

RIGHT = Watched("right")
SIGNATURE = Signature(
    suite="plant",
    suite_version="1",
    dataset="d" * 64,
    scorers={"exact_match": "2"},
    release="v1",
    weights="w1",
    seed=7,
    decoding={"temperature": 0},
    versions={"aftertune": "0.1.0"},
)


def night(number: int, *metrics: Sequence[float | None], signature: Signature | None = SIGNATURE) -> Night:
    names = ("right", "kind", "seconds")
    scores = {
        name: {f"s{i:03}": value for i, value in enumerate(values)}
        for name, values in zip(names, metrics, strict=False)
    }
    return Night(f"run-{number}", signature, scores)


def flips(n: int, wrong: int) -> list[float]:
    return [0.0] * wrong + [1.0] * (n - wrong)


def coins(nights: int, n: int = 60, seed: int = 1) -> list[Night]:
    rng = np.random.default_rng(seed)
    chance = rng.beta(3, 1, n)
    return [night(i, (rng.random(n) < chance).astype(float).tolist()) for i in range(nights)]


def test_the_first_measured_night_is_the_reference() -> None:
    reading = look([night(0, flips(40, 4))], [RIGHT])
    assert (reading.outcome, reading.reference, reading.nights) == (Outcome.REFERENCE, "run-0", 0)
    assert reading.shifts == ()


def test_a_release_that_answers_alike_is_quiet_and_not_called_certain() -> None:
    reading = look([night(i, flips(40, 4)) for i in range(20)], [RIGHT])
    assert (reading.outcome, reading.nights, reading.alarm) == (Outcome.QUIET, 19, None)
    (shift,) = reading.shifts
    assert (shift.estimate, shift.low, shift.high, shift.n) == (0.0, None, None, 40)


def test_noise_is_quiet_and_the_interval_holds_no_change() -> None:
    reading = look(coins(40), [RIGHT])
    assert reading.outcome is Outcome.QUIET
    (shift,) = reading.shifts
    assert shift.low is not None
    assert shift.high is not None
    assert shift.low < 0.0 < shift.high
    assert shift.low < shift.estimate < shift.high


def test_a_drop_is_found_and_says_what_when_and_how_sure() -> None:
    nights = [*(night(i, flips(100, 4)) for i in range(5)), night(5, flips(100, 20))]
    reading = look(nights, [RIGHT])
    assert reading.outcome is Outcome.ALARM
    alarm = reading.alarm
    assert alarm is not None
    assert (alarm.metric, alarm.run, alarm.nights, alarm.n) == ("right", "run-5", 1, 100)
    assert alarm.estimate == pytest.approx(-0.16)
    assert alarm.bound <= alarm.level < FALSE_ALARMS
    assert alarm.low is not None
    assert alarm.high is not None
    assert alarm.low < -0.16 < alarm.high < 0.0
    assert "right changed by -0.160 on 100 samples over 1 night up to run run-5" in reading.reason


def test_a_rise_is_no_alarm_unless_less_is_better() -> None:
    rises = [*(night(i, flips(100, 20)) for i in range(5)), night(5, flips(100, 4))]
    assert look(rises, [RIGHT]).outcome is Outcome.QUIET
    reading = look(rises, [Watched("right", Better.LOWER)])
    assert reading.alarm is not None
    assert reading.alarm.estimate == pytest.approx(0.16)
    assert reading.shifts[0].estimate == pytest.approx(0.16 / 5)


def test_a_slow_decline_is_found_against_the_reference() -> None:
    """Three more items a night: no night differs much from the one before."""
    nights = [night(i, flips(200, 3 * i)) for i in range(12)]
    assert look(nights, [RIGHT]).outcome is Outcome.ALARM


def test_an_alarm_stands_when_the_scores_come_back() -> None:
    drop = [*(night(i, flips(100, 4)) for i in range(5)), night(5, flips(100, 20))]
    later = [*drop, *(night(i, flips(100, 4)) for i in range(6, 10))]
    assert look(later, [RIGHT]).alarm == look(drop, [RIGHT]).alarm
    assert look(later, [RIGHT]).outcome is Outcome.ALARM


@pytest.mark.parametrize(
    "changed",
    [
        {"release": "v2"},
        {"dataset": "e" * 64},
        {"suite_version": "2"},
        {"weights": "w2"},
        {"scorers": {"exact_match": "3"}},
        {"decoding": {"temperature": 1}},
    ],
)
def test_another_signature_starts_anew(changed: dict[str, object]) -> None:
    other = SIGNATURE.model_copy(update=changed)
    nights = [*(night(i, flips(100, 4)) for i in range(5)), night(5, flips(100, 40), signature=other)]
    reading = look(nights, [RIGHT])
    assert (reading.outcome, reading.reference, reading.alarm) == (Outcome.REFERENCE, "run-5", None)


def test_an_upgraded_library_is_watched_on() -> None:
    other = SIGNATURE.model_copy(update={"versions": {"aftertune": "0.2.0"}, "baselines": {"base": "b"}})
    nights = [*(night(i, flips(100, 4)) for i in range(5)), night(5, flips(100, 40), signature=other)]
    assert look(nights, [RIGHT]).outcome is Outcome.ALARM


def test_an_unmeasured_night_is_neither_and_changes_nothing() -> None:
    nights = [night(i, flips(100, 4)) for i in range(5)]
    failed = night(5, signature=None)
    reading = look([*nights, failed], [RIGHT])
    assert (reading.outcome, reading.run, reading.nights) == (Outcome.NOT_MEASURED, "run-5", 4)
    assert "measured nothing" in reading.reason
    dropped = [*nights, night(6, flips(100, 20))]
    through = [*nights, failed, failed, night(6, flips(100, 20))]
    assert look(through, [RIGHT]) == look(dropped, [RIGHT])
    standing = look([*dropped, failed], [RIGHT])
    assert standing.outcome is Outcome.NOT_MEASURED
    assert standing.alarm is not None


@pytest.mark.parametrize("nothing", [None, float("nan"), float("inf")])
def test_too_many_missing_scores_are_an_unmeasured_night(nothing: float | None) -> None:
    nights = [night(i, flips(100, 4)) for i in range(5)]
    most = night(5, [*([nothing] * 6), *flips(94, 4)])
    few = night(5, [*([nothing] * 5), *flips(95, 4)])
    reading = look([*nights, most], [RIGHT])
    assert reading.outcome is Outcome.NOT_MEASURED
    assert "right: 6 of 100 samples unmeasured" in reading.reason
    assert look([*nights, few], [RIGHT]).outcome is Outcome.QUIET


def test_a_metric_that_is_missing_leaves_the_night_unmeasured() -> None:
    nights = [*(night(i, flips(40, 4), flips(40, 2)) for i in range(4)), night(4, flips(40, 4))]
    assert look(nights, [RIGHT, Watched("kind")]).outcome is Outcome.NOT_MEASURED
    assert look(nights[-1:], [RIGHT, Watched("kind")]).outcome is Outcome.NOT_MEASURED
    assert look([night(0, signature=None)], [RIGHT]).outcome is Outcome.NOT_MEASURED


def test_metrics_share_one_error_rate() -> None:
    nights = [
        *(night(i, flips(100, 4), flips(100, 4)) for i in range(5)),
        night(5, flips(100, 20), flips(100, 4)),
    ]
    one, two = look(nights, [RIGHT]), look(nights, [Watched("kind"), RIGHT])
    assert one.alarm is not None
    assert two.alarm is not None
    assert two.alarm.metric == "right"
    assert two.alarm.level == pytest.approx(one.alarm.level / 2)


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_nights_are_read_as_they_would_have_been_one_by_one(seed: int) -> None:
    nights = coins(12, 30, seed)
    rows = [np.array(list(each.scores["right"].values()), dtype=float) for each in nights]
    watch = Watch(rows[0])
    found = [watch.observe(row, FALSE_ALARMS) for row in rows[1:]]
    reading = look(nights, [RIGHT])
    assert (reading.alarm is None) == all(each is None for each in found)
    change = watch.since_reference()
    assert change is not None
    assert reading.shifts[0].estimate == pytest.approx(change.estimate)


def test_a_reading_survives_storage() -> None:
    reading = look([*(night(i, flips(100, 4)) for i in range(5)), night(5, flips(100, 20))], [RIGHT])
    assert Reading.model_validate_json(reading.model_dump_json()) == reading


def test_nothing_to_look_at_is_refused() -> None:
    for nights, metrics in (([], [RIGHT]), ([night(0, flips(4, 1))], [])):
        with pytest.raises(ValueError, match="needs a night and a metric"):
            look(nights, metrics)


def test_gated_metrics_are_watched_and_runs_become_nights() -> None:
    suite = load_suite(SUITES / "tool_calls")
    cuts = gated(suite)
    assert {cut.name for cut in cuts} == {gate.metric for gate in suite.card.gates}
    run = EvaluationRun(
        id="nightly-1",
        suite=suite.card.name,
        release="v1",
        trigger=Trigger.NIGHTLY,
        state=RunState.SUCCESSFUL,
        requested_by="evals",
        requested_at=datetime(2026, 3, 1, tzinfo=UTC),
        signature=SIGNATURE,
    )
    results = [
        SampleResult(
            run=run.id,
            sample=sample.id,
            release=release,
            answers=(),
            scores={metric.name: None if number == 0 else score for metric in suite.expects(sample)},
        )
        for release, score in (("v1", 1.0), ("base", 0.0))
        for number, sample in enumerate(suite.samples)
    ]
    found = night_of(run, cuts, results)
    assert found.run == run.id
    for cut in cuts:
        assert set(found.scores[cut.name]) == set(cut.clusters)
        assert set(found.scores[cut.name].values()) <= {1.0, None}
    reading = look([found], [Watched.of(cut) for cut in cuts])
    assert reading.outcome is Outcome.REFERENCE


def test_an_aggregate_is_not_watched() -> None:
    suite = load_suite(SUITES / "sentinel")
    gate = GateCard(metric="cross_entropy", bound=Bound.SCORE_HIGH, limit=3.0)
    assert gated(suite._replace(card=suite.card.model_copy(update={"gates": (gate,)}))) == ()
