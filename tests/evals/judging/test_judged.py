"""From judgements to a number, and to what stands beside it: health, calibration, the ceiling."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa, to_table  # type: ignore[import-untyped]

from aftertune.errors import BadInput
from aftertune.reviews.labels import Label
from aftertune.values.evaluation import Answer, Bound, Gate, Judgement, SampleResult
from aftertune.values.review import Scale
from evals.judging.beside import beside, why_unmeasured
from evals.judging.calibration import (
    FILE,
    GRADES,
    LEAST_LABELS,
    LabelledAnswer,
    calibration_lines,
    calibrations,
    load_calibrations,
    said_of,
)
from evals.judging.canary import PREFIX, WRONG
from evals.judging.ceiling import withheld
from evals.judging.health import health
from evals.judging.unheard import unheard
from evals.scorers.judged import verdict
from evals.suite.card import JudgeCard


def said(value: float | None, **more: object) -> Judgement:
    fields = {
        "question": "polite",
        "judge": "j",
        "prompt": "p",
        "reason": "" if value is not None else "prose",
    }
    return Judgement.model_validate({**fields, "value": value, **more})


def both(first: list[float | None], last: list[float | None], **more: object) -> list[Judgement]:
    return [
        said(value, repeat=repeat, swapped=swapped, **more)
        for swapped, values in ((False, first), (True, last))
        for repeat, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("judgements", "value"),
    [
        ([], None),
        (both([1, 1, 1], [1, 1, 1]), 1.0),
        (both([1, 1, 1], [0, 0, 0]), 0.5),
        (both([1, 1, None], [0, None, 0]), 0.5),
        (both([1, None, None], [1, 1, 1]), None),
        (both([None] * 3, [1, 1, 1]), None),
        ([*both([1], [1]), *both([0], [0], judge="k")], 0.5),
        ([*both([1], [1]), *both([None], [None], judge="k")], None),
        ([*both([1], [1], sentence=0), *both([0], [0], sentence=1)], 0.5),
        ([*both([1, 1, 1], [1, 1, 1], sentence=0), *both([0, 0, None], [0, 0, 0], sentence=1)], 0.5),
    ],
)
def test_each_order_sentence_and_judge_counts_the_same(
    judgements: list[Judgement], value: float | None
) -> None:
    assert verdict(judgements) == value


verdicts = st.sampled_from([0.0, 1.0, None])


@settings(max_examples=50)
@given(st.lists(verdicts, min_size=1, max_size=4), st.lists(verdicts, min_size=1, max_size=4))
def test_a_failure_never_moves_the_number_out_of_what_was_said(
    first: list[float | None], last: list[float | None]
) -> None:
    found = verdict(both(first, last))
    measured = [value for value in (*first, *last) if value is not None]
    assert found is None or min(measured) <= found <= max(measured)


def test_health_tells_position_bias_noise_and_failures() -> None:
    canaries = [said(1.0, question=f"{PREFIX}a"), said(0.0, question=f"{PREFIX}b", reason=WRONG)]
    biased = [both([1, 1], [0, 0]), both([1, 1], [1, 1]), [*both([1, 0], [1, None]), *canaries]]
    (found,) = health(biased)
    assert (found.judge, found.judgements, found.unmeasured) == ("j", 12, 1)
    assert (found.canaries, found.canaries_wrong) == (2, 1)
    assert found.pairs == 5
    assert found.same_in_both_orders == pytest.approx(3 / 5)
    assert found.said_yes_first == pytest.approx(5 / 6)
    assert found.said_yes_last == pytest.approx(3 / 5)
    assert found.spread == pytest.approx(0.5 / 5)
    assert found.reasons == (("prose", 1),)
    assert found.in_words() == (
        "j: 1 of 12 judgements failed, same verdict in both orders 60% of 5, variance of repeats 0.100, "
        "1 of 2 canaries wrong"
    )
    assert health([[said(None, judge="")]]) == ()


def labelled(n: int, judge: str = "j") -> list[LabelledAnswer]:
    """People and the judge differ on every fifth answer, and then the judge is half a point kinder."""
    return [
        LabelledAnswer(
            sample=f"s{i}", answer="a", criterion="polite", label=i % 2 / 2, judge=judge, prompt="p",
            value=i % 2 / 2 + (0.5 if i % 5 == 0 else 0),
        )
        for i in range(n)
    ]  # fmt: skip


def test_calibration_equals_an_independent_kappa() -> None:
    pairs = labelled(120)
    (found,) = calibrations(pairs)
    grades = [[GRADES.index(pair.value), GRADES.index(pair.label)] for pair in pairs]
    table, _ = to_table(grades, bins=np.arange(6))
    assert found.kappa == pytest.approx(cohens_kappa(table, wt="quadratic", return_results=False))
    assert found.bias == pytest.approx(0.1)
    assert found.bias_low is not None
    assert found.bias_low < 0.1
    assert found.enough
    assert found.in_words().startswith(f"j: quadratic kappa {found.kappa:.2f}, mean bias +0.10 [")


@pytest.mark.parametrize(("n", "enough"), [(LEAST_LABELS - 1, False), (LEAST_LABELS, True)])
def test_fewer_than_a_hundred_labels_calibrate_nothing(n: int, enough: bool) -> None:
    (found,) = calibrations(labelled(n))
    assert found.enough is enough
    assert ("uncalibrated" in found.in_words()) is not enough


def test_uncalibrated_is_said_beside_the_score() -> None:
    heard = both([1], [1])
    assert said_of("polite", heard, calibrations(labelled(100, "other"))) == (
        "j: uncalibrated, no human labels of what it was asked",
    )
    result = SampleResult(run="r", sample="s", release="v1", judgements=tuple(heard), scores={})
    assert "uncalibrated" in beside("polite", [result], ())
    assert "quadratic kappa" in beside("polite", [result], calibrations(labelled(100)))
    assert beside("judged_polite", [result], ()) == beside("polite", [result], ())
    assert beside("probed_polite", [result], ()) == ""
    assert beside("polite", [], ()) == ""


def test_each_metric_tells_why_it_itself_is_unmeasured() -> None:
    heard = (said(None, reason="no judge"), said(None, question="calm", reason="prose"))
    probes = (said(None, question="calm", judge="probe e", reason="not measurable"),)
    result = SampleResult(
        run="r", sample="s", release="v1", judgements=heard + probes, scores={}, error="cut off"
    )
    assert why_unmeasured("judged_polite", result) == "polite: no judge"
    assert why_unmeasured("judged_calm", result) == "calm: prose"
    assert why_unmeasured("probed_calm", result) == "calm: not measurable"
    assert why_unmeasured("probed_polite", result) == "cut off"


def test_all_alike_is_explained_by_chance() -> None:
    alike = [each.model_copy(update={"label": 1.0, "value": 1.0}) for each in labelled(100)]
    (found,) = calibrations(alike)
    assert found.kappa is None
    assert "kappa not defined" in found.in_words()


def test_the_labels_of_a_review_are_put_beside_what_the_judge_said() -> None:
    result = SampleResult(
        run="r", sample="s", release="v1", answers=(Answer(text="Thanks."),), scores={},
        judgements=(*both([1, 1], [0, 0]), said(None, question="calm"), *both([0], [0], answer=1)),
    )  # fmt: skip
    scales = {
        "polite": Scale.ONE_TO_FIVE,
        "calm": Scale.YES_NO,
        "better": Scale.PREFERENCE,
        "new": Scale.YES_NO,
    }
    labels = [Label("s", "v1", "polite", 4.0, 1.0), Label("s", "v0", "polite", 1.0, 1.0)]
    labels += [Label("s", "v1", name, 1.0, 1.0) for name in ("calm", "better", "new")]
    (line,) = calibration_lines(labels, scales, [result])
    assert (line.criterion, line.label, line.value, line.judge) == ("polite", 0.75, 0.5, "j")
    assert line.answer == hashlib.sha256(b"Thanks.").hexdigest()


def test_the_file_of_a_suite(tmp_path: Path) -> None:
    assert load_calibrations(tmp_path) == ()
    lines = [each.model_dump_json() for each in labelled(3)]
    (tmp_path / FILE).write_text("\n".join([*lines, lines[0]]))
    (found,) = load_calibrations(tmp_path)
    assert found.n == 3, "an answer's label counts once"
    for broken in ("no JSON", json.dumps({**json.loads(lines[0]), "label": 3})):
        (tmp_path / FILE).write_text("\n".join([*lines, broken]))
        with pytest.raises(BadInput, match="Line 4"):
            load_calibrations(tmp_path)


@pytest.mark.parametrize(("lost", "passed"), [(0, True), (10, True), (11, None), (100, None)])
def test_the_ceiling(lost: int, passed: bool | None) -> None:
    gate = Gate(metric="polite", bound=Bound.SCORE_LOW, limit=0.5, value=0.7, passed=True, reason="It holds.")
    found = withheld(gate, JudgeCard(most_unmeasured=0.1), unmeasured=lost, counted=100)
    assert found.passed is passed
    assert ("withheld" in found.reason) is (passed is None)
    assert found.reason.endswith("It holds.")


def test_the_most_frequent_reason_is_told() -> None:
    heard = [said(None), said(None), said(None, reason="away"), said(1.0)]
    assert unheard(heard) == "polite: prose"
    assert unheard([said(1.0)]) == ""
