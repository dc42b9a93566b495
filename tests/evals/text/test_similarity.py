"""Nearness of meaning: asked of the encoder once, scored from what it said."""

import asyncio
from collections.abc import Sequence

import pytest

from aftertune.errors import Unavailable
from aftertune.values.evaluation import Answer, Judgement
from evals.scorers.scorer import Given
from evals.scorers.text.similarity import similarity
from evals.suite.sample import Sample
from evals.suite.scoring import Text
from evals.text.similarity import similarities
from tests.evals.text.encoder import Encoder

SAMPLE = Sample(id="s", scoring=Text(kind="text", references=("north", "east")))
VECTORS = {
    "north": [0.0, 2.0],
    "east": [3.0, 0.0],
    "north east": [1.0, 1.0],
    "south": [0.0, -1.0],
    "nowhere": [0.0, 0.0],
}


def judged(encoder: Encoder, *said: str) -> tuple[Judgement, ...]:
    answers = [Answer(text=text) for text in said]
    return asyncio.run(similarities(SAMPLE, answers, encoder, "mini"))


def scored(judgements: Sequence[Judgement], answers: int) -> float | None:
    given = Given((Answer(),) * answers, tuple(judgements))
    value = similarity.score(SAMPLE, given)["similarity"]
    assert not isinstance(value, tuple)
    return value


def test_the_nearest_reference_counts() -> None:
    found = judged(Encoder(VECTORS), "north", "north east", "south", "")
    assert [each.value for each in found] == pytest.approx([1.0, 0.5**0.5, 0.0, 0.0])
    assert {each.judge for each in found} == {"encoder mini"}
    assert [each.answer for each in found] == [0, 1, 2, 3]
    assert scored(found, 4) == pytest.approx((1 + 0.5**0.5) / 4)


def test_an_encoder_that_is_away_leaves_it_unmeasured() -> None:
    (found,) = judged(Encoder(VECTORS, away=Unavailable("The encoder is away.")), "north")
    assert (found.value, found.reason) == (None, "The encoder is away.")
    assert scored([found], 1) is None
    assert scored([], 1) is None


def test_a_vector_that_points_nowhere_is_no_number() -> None:
    (found,) = judged(Encoder(VECTORS), "nowhere")
    assert found.value is None
    assert "nowhere" in found.reason


def test_silence_is_near_to_nothing_and_asks_nobody() -> None:
    (found,) = judged(Encoder(VECTORS, away=Unavailable("The encoder is away.")), " \n")
    assert found.value == 0.0
