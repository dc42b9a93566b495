"""What serving costs: how requests are timed, and what their timings say."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from aftertune.errors import BadInput, Unavailable
from aftertune.values.evaluation import Answer
from evals.asking import Question
from evals.asking.cost import cost
from evals.engine.memory import memory_of
from evals.scorers.scorer import Given, Scores
from evals.scorers.served import GIB, median, served, speed
from evals.suite.card import Ask
from evals.suite.sample import Sample
from evals.suite.scoring import Passage, Served
from evals.suite.suite import SUITES, load_suite
from tests.evals.text.encoder import Encoder


class Streaming(Encoder):
    """Streams the same answer to every request, and remembers how many it had at once and with which settings."""

    def __init__(self, answer: Answer, memory: int | None = None) -> None:
        super().__init__({})
        self._answer, self._memory = answer, memory
        self._now = 0
        self.most = 0
        self.settings: list[Mapping[str, Any]] = []

    async def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        stream: bool = False,
        raw: bool = False,
        settings: Mapping[str, Any],
    ) -> Answer:
        assert stream
        self.settings.append(settings)
        self._now += 1
        self.most = max(self.most, self._now)
        for _ in range(5):
            await asyncio.sleep(0)
        self._now -= 1
        if self.away:
            raise self.away
        return self._answer

    async def memory(self) -> int | None:
        return self._memory


ANSWER = Answer(text="words", finish="length", prompt_tokens=7, completion_tokens=16, first_token_s=0.25)


def question(at_once: int = 1) -> Question:
    sample = Sample(
        id=f"s{at_once}",
        messages=({"role": "user", "content": "Go."},),
        scoring=Served(kind="served", at_once=at_once),
    )
    return Question(sample, Ask(how="cost", max_tokens=16, options={"ignore_eos": True}), (), 5)


def scored(at_once: int, *answers: Answer) -> Scores:
    return served.score(question(at_once).sample, Given(answers))


def timed(seconds: float, first: float | None = 0.5, tokens: int = 100, memory: int | None = None) -> Answer:
    return Answer(
        latency_s=seconds, first_token_s=first, completion_tokens=tokens, state={"memory_bytes": memory}
    )


def test_a_burst_is_one_answer_with_the_tokens_of_all() -> None:
    engine = Streaming(ANSWER, memory=3 * GIB)
    answer = asyncio.run(cost(question(8), engine))
    assert engine.most == 8
    assert engine.settings[0]["ignore_eos"] is True
    assert engine.settings[0]["max_tokens"] == 16
    assert (answer.completion_tokens, answer.prompt_tokens, answer.first_token_s) == (128, 56, 0.25)
    assert answer.latency_s is not None
    assert answer.latency_s > 0
    assert answer.state == {"at_once": 8, "memory_bytes": 3 * GIB}


def test_samples_of_one_engine_are_timed_one_after_another() -> None:
    engine = Streaming(ANSWER)

    async def together() -> None:
        await asyncio.gather(*(cost(question(2), engine) for _ in range(6)))

    asyncio.run(together())
    assert engine.most == 2


def test_an_engine_that_counts_nothing_cannot_be_timed() -> None:
    for lacking in ({"completion_tokens": None}, {"first_token_s": None}):
        with pytest.raises(BadInput, match="vLLM"):
            asyncio.run(cost(question(), Streaming(ANSWER.model_copy(update=lacking))))


def test_a_request_that_fails_loses_the_burst() -> None:
    engine = Streaming(ANSWER)
    engine.away = Unavailable("The engine is away.")
    with pytest.raises(Unavailable):
        asyncio.run(cost(question(4), engine))


def test_a_sample_of_another_kind_is_refused() -> None:
    other = question()._replace(sample=Sample(id="s", scoring=Passage(kind="passage", text="a")))
    with pytest.raises(BadInput, match="not to be timed"):
        asyncio.run(cost(other, Streaming(ANSWER)))


def test_alone_and_in_a_crowd_other_numbers_count() -> None:
    assert scored(1, timed(2.0, memory=GIB), timed(4.0, first=0.7, memory=3 * GIB)) == {
        "first_token_s": (pytest.approx(0.6),),
        "latency_s": 3.0,
        "tokens_per_s": (100.0, 3.0),
        "memory_gib": 2.0,
    }
    assert scored(8, timed(2.0)) == {"total_tokens_per_s": (100.0, 2.0), "memory_gib": None}


def test_what_was_not_timed_is_unmeasured() -> None:
    assert set(scored(1, Answer(text="no timings")).values()) == {None}
    assert scored(1, timed(2.0), timed(2.0, first=None))["first_token_s"] is None
    assert scored(8, Answer(latency_s=float("nan"), completion_tokens=3))["total_tokens_per_s"] is None


def test_aggregates() -> None:
    assert median(np.array([[0.1], [9.0], [0.3]])) == pytest.approx(0.3)
    assert speed(np.array([[100.0, 1.0], [50.0, 2.0]])) == pytest.approx(50.0)


def test_a_burst_and_texts_without_a_chat_are_in_the_forecast() -> None:
    costs, texts = load_suite(SUITES / "serving_cost"), load_suite(SUITES / "sentinel")
    told = costs.as_offered().forecast
    assert told is not None
    assert told.requests == (16 + 8 * 8) * 3
    assert told.answer_tokens == told.requests * 128
    read = texts.as_offered().forecast
    assert read is not None
    assert read.requests == 60
    assert read.prompt_tokens > 1000


def test_the_memory_of_whoever_listens_here() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = memory_of(f"http://127.0.0.1:{port}")
    assert found is not None
    assert 2**20 < found < 2**40
    assert memory_of(f"http://127.0.0.1:{port}") is None


@pytest.mark.parametrize(
    "url", ["http://10.1.2.3:80", "http://engine:8000", "nonsense", "http://127.0.0.1:x", ""]
)
def test_elsewhere_nobody_can_tell(url: str) -> None:
    assert memory_of(url) is None


class Failing(Streaming):
    """The first request fails at once, the others take their time."""

    async def chat(self, messages: Sequence[Mapping[str, Any]], **more: Any) -> Answer:
        if not self.settings:
            self.settings.append({})
            raise Unavailable("gone.")
        return await super().chat(messages, **more)


def test_a_burst_that_failed_leaves_nothing_under_way() -> None:
    engine = Failing(ANSWER)

    async def running() -> int:
        with pytest.raises(Unavailable):
            await cost(question(4), engine)
        return engine._now

    assert asyncio.run(running()) == 0
    assert engine.most == 3
