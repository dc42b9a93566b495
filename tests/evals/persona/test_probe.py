"""Probes on embeddings: the fit against an independent optimiser, their honesty, and what becomes of their judgements."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from aftertune.errors import Unavailable
from aftertune.values.evaluation import Answer, Judgement, SampleResult
from aftertune.values.exchange import ToolCall
from evals.harness.scored import sample_result
from evals.judging.bench import Bench, JudgeModel
from evals.judging.judge import described, judge
from evals.persona import probe
from evals.persona.probe import LEAST_ACCURACY, LEAST_PAIRS, Vectors, fit, nearest
from evals.persona.probing import NOT_MEASURABLE, VOICE
from evals.suite.sample import Sample
from evals.suite.suite import SUITES, Suite, load_suite
from tests.evals.judging.scripted import ScriptedEngine

SUITE = load_suite(SUITES / "persona_switch")
WORDS = 64


def pairs(n: int, apart: float, seed: int = 0) -> tuple[Vectors, Vectors]:
    """Pairs that share a subject and differ along one direction by `apart`."""
    drawn = np.random.default_rng(seed)
    subjects = drawn.normal(size=(n, 20))
    direction = np.zeros(20)
    direction[0] = apart
    noise = drawn.normal(size=(2, n, 20)) * 0.1
    return subjects + direction + noise[0], subjects - direction + noise[1]


def test_the_fit_is_the_minimum_that_another_optimiser_finds() -> None:
    shown, not_shown = pairs(12, 0.5)
    rows, labels = np.vstack([shown, not_shown]), np.repeat([1.0, 0.0], 12)
    weights, bias = probe._logistic(rows, labels)
    centred = rows - rows.mean(axis=0)
    centred /= math.sqrt((centred**2).sum(axis=1).mean())

    def loss(free: Vectors) -> float:
        values = centred @ free[:-1] + free[-1]
        return float(
            np.logaddexp(0, np.where(labels > 0, -values, values)).sum()
            + probe.RIDGE / 2 * free[:-1] @ free[:-1]
        )

    best = minimize(loss, np.zeros(21), method="BFGS", options={"gtol": 1e-8})
    assert rows @ weights + bias == pytest.approx(centred @ best.x[:-1] + best.x[-1], abs=1e-4)


def test_platt_is_the_minimum_that_another_optimiser_finds() -> None:
    values = np.array([[0.9, -0.3], [0.2, 0.1], [-0.1, -0.8], [0.6, 0.3]])
    targets = np.repeat([5 / 6, 1 / 6], 4)

    def loss(free: Vectors) -> float:
        at = free[0] * values.T.ravel() + free[1]
        return float((np.logaddexp(0, at) - targets * at).sum())

    best = minimize(loss, np.zeros(2), method="BFGS", options={"gtol": 1e-9})
    assert probe._platt(values) == pytest.approx(tuple(best.x), abs=1e-5)


def test_a_trait_that_shows_is_measured_and_one_that_does_not_is_not() -> None:
    seen = fit(*pairs(12, 3.0))
    assert (seen.refusal, seen.quality.accuracy) == ("", 1.0)
    shown, not_shown = pairs(12, 3.0, seed=1)
    assert seen.probability(shown).min() > 0.5 > seen.probability(not_shown).max()
    unseen = fit(*pairs(40, 0.0))
    assert unseen.quality.accuracy < LEAST_ACCURACY
    assert "told apart" in unseen.refusal
    few = fit(*pairs(LEAST_PAIRS - 1, 3.0))
    assert few.refusal == f"{LEAST_PAIRS - 1} pairs of exemplars, at least {LEAST_PAIRS} are needed"


def test_by_chance_hardly_any_trait_is_called_measurable() -> None:
    """Exemplars without any trait in them: 12 pairs pass the limit in few of 200 draws."""
    passed = sum(not fit(*pairs(12, 0.0, seed)).refusal for seed in range(200))
    assert passed <= 6


def test_probabilities_are_calibrated_on_new_answers() -> None:
    """Of what gets a probability p, about p has the trait."""
    fitted = fit(*pairs(40, 0.6))
    shown, not_shown = pairs(2000, 0.6, seed=9)
    said = np.concatenate([fitted.probability(shown), fitted.probability(not_shown)])
    true = np.repeat([1.0, 0.0], 2000)
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        here = (said >= low) & (said < low + 0.2)
        if here.sum() > 100:
            assert true[here].mean() == pytest.approx(said[here].mean(), abs=0.12)


@settings(max_examples=30)
@given(st.integers(2, 12), st.integers(0, 1000), st.sampled_from([0.0, 1e-9, 1.0, 1e6]))
def test_it_always_fits_and_says_probabilities(n: int, seed: int, apart: float) -> None:
    fitted = fit(*pairs(n, apart, seed))
    said = fitted.probability(np.vstack([*pairs(n, apart, seed + 1), np.zeros((1, 20))]))
    assert np.isfinite(said).all()
    assert ((said >= 0) & (said <= 1)).all()
    assert fitted.slope >= 0


def test_equal_exemplars_tell_nothing() -> None:
    same = np.ones((10, 4))
    assert fit(same, same).quality.accuracy == 0.5
    with pytest.raises(ValueError, match="at least two pairs"):
        fit(same[:1], same[:1])


def test_the_nearest_voice_is_that_of_the_likest_exemplars() -> None:
    voices = [np.eye(3)[[i, i]] + 1.0 for i in range(3)]
    assert [nearest(np.eye(3)[i] + 1.2, voices) for i in range(3)] == [0, 1, 2]


class WordEncoder:
    """Counts of words, each at a place of its own hash: what is said alike lies near."""

    def __init__(self, spoil: Callable[[list[list[float]]], list[list[float]]] | None = None) -> None:
        self.asked: list[int] = []
        self.spoil = spoil

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.asked.append(len(texts))
        rows = [[0.0] * WORDS for _ in texts]
        for row, text in zip(rows, texts, strict=True):
            for word in text.casefold().split():
                row[sum(map(ord, word)) % WORDS] += 1.0
        return self.spoil(rows) if self.spoil else rows


class Encoder(WordEncoder, ScriptedEngine):
    def __init__(self, spoil: Callable[[list[list[float]]], list[list[float]]] | None = None) -> None:
        ScriptedEngine.__init__(self, lambda heard: "")
        WordEncoder.__init__(self, spoil)


def bench(encoder: Encoder | None) -> Bench:
    return Bench(encoder=JudgeModel("words-64", encoder) if encoder else None)


def sample(persona: str) -> Sample:
    return next(each for each in SUITE.samples if each.task == persona)


async def probed(
    encoder: Encoder | None, said: str, persona: str = "taskmaster", more: object = ()
) -> list[Judgement]:
    calls = (ToolCall(name="t", arguments="{}"),) if more else ()
    heard = await judge(SUITE, sample(persona), [Answer(text=said, tool_calls=calls)], bench(encoder))
    return [each for each in heard if each.judge.startswith("probe")]


async def test_each_sentence_is_measured_by_every_probe_and_the_voice_by_all_of_it() -> None:
    encoder = Encoder()
    heard = await probed(encoder, "Thank you, please wait. Lock out the pump first.")
    assert {each.judge for each in heard} == {"probe words-64"}
    voice = [each for each in heard if each.question == VOICE]
    assert len(voice) == 1
    assert voice[0].reply in SUITE.personas
    courteous = [each for each in heard if each.question == "courteous"]
    blind = courteous[0].reason.startswith(NOT_MEASURABLE)
    assert blind or [each.sentence for each in courteous] == [0, 1]
    assert all(each.value is not None or each.reason.startswith(NOT_MEASURABLE) for each in heard)
    assert len(encoder.asked) == 2, "the exemplars once, the answer once"


async def test_the_exemplars_are_embedded_once_a_run() -> None:
    encoder = Encoder()
    shared = bench(encoder)
    for each in SUITE.samples[:6]:
        await judge(SUITE, each, [Answer(text="Hello there.")], shared)
    assert len(encoder.asked) == 7


def nan(rows: list[list[float]]) -> list[list[float]]:
    return [[math.nan] * WORDS for _ in rows]


def away(_: list[list[float]]) -> list[list[float]]:
    raise Unavailable("The encoder is away.")


@pytest.mark.parametrize(
    ("encoder", "why"),
    [
        (None, "no encoder is configured"),
        (Encoder(nan), "not numbers"),
        (Encoder(away), "The encoder is away"),
        (Encoder(lambda rows: rows[:-1]), "not numbers"),
        (Encoder(lambda rows: [row[: i + 1] for i, row in enumerate(rows)]), "did not measure it"),
    ],
    ids=["none", "nan", "away", "too few", "ragged"],
)
async def test_what_is_not_embedded_is_unmeasured(encoder: Encoder | None, why: str) -> None:
    heard = await probed(encoder, "Hello.")
    assert {each.value for each in heard} == {None}
    assert all(why in each.reason for each in heard), heard


@pytest.mark.parametrize(("said", "called"), [("", False), (" \n", False), ("Hello.", True)])
async def test_no_sentence_no_number(said: str, called: bool) -> None:
    heard = await probed(Encoder(), said, more=(1,) if called else ())
    assert {each.reason for each in heard} == {"the answer holds no sentence to measure"}


async def test_a_blind_probe_leaves_the_others_their_mean_and_the_stored_run_its_bytes() -> None:
    suite: Suite = SUITE
    of = sample("maintenance_engineer")
    answer = Answer(text="Lock out the drive. Measure the vibration at both bearing housings.")
    heard = await judge(suite, of, [answer], bench(Encoder()))
    made: list[Judgement] = []
    for each in heard:
        if each.question == "puts_safety_first" and each.judge.startswith("probe"):
            made.append(each.model_copy(update={"value": None, "reason": f"{NOT_MEASURABLE}by hand"}))
        elif each.question == "gives_concrete_steps" and each.judge.startswith("probe"):
            made.append(each.model_copy(update={"value": 0.75, "reason": ""}))
        else:
            made.append(each)
    result = sample_result(suite, "run", "v1", of, (answer,), tuple(made))
    assert result.scores["probed_puts_safety_first"] is None
    assert result.scores["probed_gives_concrete_steps"] == 0.75
    assert result.scores["probed_persona"] == 0.75
    again = SampleResult.model_validate(json.loads(result.model_dump_json()))
    assert sample_result(suite, "run", "v1", of, again.answers, again.judgements) == result


def test_the_encoder_is_signed() -> None:
    assert described(SUITE, bench(Encoder()))["encoder"] == "words-64"


def test_the_shipped_exemplars_are_enough_and_differ(tmp_path: Path) -> None:
    for persona in SUITE.personas.values():
        for trait in persona.probed():
            assert len(trait.exemplars) >= LEAST_PAIRS
            texts = [text for pair in trait.exemplars for text in (pair.shown, pair.not_shown)]
            assert len(set(texts)) == len(texts)
