"""The plant maintenance suite: drawn from its generator, and what answers that copy, convert or muddle come to."""

from collections.abc import Callable

import pytest

from aftertune.values.evaluation import Answer, RunState, Score
from evals.conclusion.conclude import conclude
from evals.harness.scored import sample_result
from evals.suite.sample import Sample
from evals.suite.scoring import CriticalTerms
from evals.suite.suite import SUITES, load_suite
from examples.plant_maintenance.procedures import PLANTS, procedures
from examples.plant_maintenance.suites import FILE, SEED, lines

SUITE = load_suite(SUITES / "plant_maintenance")


def wanted(sample: Sample) -> CriticalTerms:
    assert isinstance(sample.scoring, CriticalTerms)
    return sample.scoring


def copied(sample: Sample) -> str:
    return "; ".join(term.text for term in wanted(sample).terms)


def concluded(say: Callable[[Sample], str]) -> tuple[dict[str, Score], RunState]:
    results = [
        sample_result(SUITE, "r", "v2", sample, (Answer(text=say(sample), finish="stop"),))
        for sample in SUITE.samples
    ]
    found = conclude(SUITE, "v2", {}, results)
    return {score.metric: score for score in found.scores}, found.state


def test_the_samples_are_those_of_the_generator() -> None:
    assert FILE.read_text(encoding="utf-8") == lines()
    assert len(SUITE.samples) >= 60
    assert {sample.task for sample in SUITE.samples} == set(PLANTS)


def test_every_term_stands_in_its_question() -> None:
    """Otherwise nobody could keep it."""
    for sample in SUITE.samples:
        question = sample.question.casefold()
        assert all(term.text.casefold() in question for term in wanted(sample).terms), sample.id


def test_procedures_can_be_told_apart() -> None:
    found = procedures(SEED)
    assert len({each.code for each in found}) == len(found)
    for each in found:
        assert each.fixings[0].torque != each.fixings[1].torque


def test_who_copies_keeps_all() -> None:
    scores, state = concluded(copied)
    assert state is RunState.SUCCESSFUL
    assert all(score.estimate == 1.0 for score in scores.values())
    assert scores["all_terms_kept"].clusters == len(procedures(SEED))


def test_who_answers_with_the_whole_procedure_names_the_wrong_torque() -> None:
    scores, state = concluded(lambda sample: sample.question)
    assert state is RunState.FAILED
    assert scores["terms_kept"].estimate == 1.0
    assert scores["no_forbidden_term"].estimate == 0.0


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (lambda said: said.replace(" N·m", " lbf·ft"), "kept_torque"),
        (lambda said: said.replace("-", ""), "kept_part"),
        (lambda said: "; ".join(reversed(said.split("; "))), "steps_in_order"),
        (lambda said: said.replace(" bar", "00 kPa").replace("°C", "°F"), "kept_quantity"),
    ],
)
def test_what_is_changed_is_lost(change: Callable[[str], str], lost: str) -> None:
    scores, _ = concluded(lambda sample: change(copied(sample)))
    estimate = scores[lost].estimate
    assert estimate is not None
    assert estimate < 1.0
    assert (scores["all_terms_kept"].estimate or 0.0) < 1.0
