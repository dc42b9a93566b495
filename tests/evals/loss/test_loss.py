"""The loss of fixed texts: asked, added up, and unmeasured where an engine cannot tell."""

import asyncio
from collections.abc import Mapping
from math import exp, isnan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.errors import BadInput
from aftertune.values.evaluation import Answer, Loss
from evals.asking import Question
from evals.asking.loss import loss
from evals.scorers.loss import cross_entropy, perplexity
from evals.scorers.loss import loss as scorer
from evals.scorers.scorer import Given
from evals.suite.card import Ask
from evals.suite.sample import Sample
from evals.suite.scoring import Passage, Served
from evals.suite.suite import SUITES, load_suite
from tests.evals.text.encoder import Encoder

texts = st.lists(st.tuples(st.floats(0, 5000), st.integers(1, 500)), min_size=1, max_size=20)


class Telling(Encoder):
    """Tells these losses; of any other text it cannot tell."""

    def __init__(self, losses: Mapping[str, Loss]) -> None:
        super().__init__({})
        self._losses = losses

    async def loss(self, text: str) -> Loss:
        if text not in self._losses:
            raise BadInput("The engine cannot tell.", "Serve the release with vLLM.")
        return self._losses[text]


def question(sample: Sample) -> Question:
    return Question(sample, Ask(how="loss"), (), 1)


def passage(text: str) -> Sample:
    return Sample(id="s", scoring=Passage(kind="passage", text=text))


def test_a_text_is_asked_and_its_tokens_weigh_alike() -> None:
    engine = Telling({"long": Loss(nats=30.0, tokens=20), "short": Loss(nats=10.0, tokens=2)})
    rows = []
    for text in ("long", "short"):
        answer = asyncio.run(loss(question(passage(text)), engine))
        found = scorer.score(passage(text), Given((answer,)))
        assert found["cross_entropy"] == found["perplexity"]
        assert answer.loss is not None
        assert found["text_loss"] == answer.loss.nats / answer.loss.tokens
        rows.append(found["perplexity"])
    assert cross_entropy(np.array(rows)) == pytest.approx(40 / 22)
    assert perplexity(np.array(rows)) == pytest.approx(exp(40 / 22))


def test_an_engine_that_cannot_tell_says_so() -> None:
    with pytest.raises(BadInput, match="vLLM"):
        asyncio.run(loss(question(passage("other")), Telling({})))
    with pytest.raises(BadInput, match="no passage"):
        asyncio.run(loss(question(Sample(id="s", scoring=Served(kind="served"))), Telling({})))
    assert set(scorer.score(passage("other"), Given((Answer(),))).values()) == {None}


@given(texts)
def test_perplexity_is_the_exponential_of_the_mean(told: list[tuple[float, int]]) -> None:
    rows = np.array([(nats, float(tokens)) for nats, tokens in told])
    mean = float(rows[:, 0].sum() / rows[:, 1].sum())
    assert cross_entropy(rows) == pytest.approx(mean)
    assert isnan(perplexity(rows)) if mean > 700 else perplexity(rows) == pytest.approx(exp(mean))


def test_the_sentinel_is_of_many_kinds_and_short() -> None:
    suite = load_suite(Path(SUITES) / "sentinel")
    assert {sample.task for sample in suite.samples} == {
        "tasks",
        "fraud",
        "maintenance",
        "general",
        "languages",
    }
    assert all(isinstance(s.scoring, Passage) and len(s.scoring.text) < 250 for s in suite.samples)
