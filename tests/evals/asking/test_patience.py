"""What can pass is tried again, in time and in turn; budgets hold whatever comes."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.clock import ManualClock
from aftertune.engine import AsyncEngine, NoAnswer
from aftertune.errors import Unavailable
from aftertune.values.evaluation import Answer, Loss
from evals.engine.pacing import Bucket, Budget, Pace
from evals.engine.patience import Patient, Retries

PASSES = NoAnswer("busy", can_pass=True)
STAYS = NoAnswer("no such model", can_pass=False)
MESSAGES = [{"role": "user", "content": "x" * 40}]


class Scripted:
    """Raises or answers as it is told to; the last stays."""

    def __init__(self, *replies: Answer | Exception) -> None:
        self.replies = list(replies)
        self.asked = 0

    async def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        stream: bool = False,
        raw: bool = False,
        settings: Mapping[str, Any],
    ) -> Answer:
        self.asked += 1
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def loss(self, text: str) -> Loss:
        raise PASSES

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [[1.0] for _ in texts]


class Scene:
    def __init__(
        self, *replies: Answer | Exception, budget: Budget | None = None, retries: Retries | None = None
    ) -> None:
        self.clock, self.slept, self.engine = ManualClock(), list[float](), Scripted(*replies)
        pace = Pace(budget or Budget(), self.clock, self.sleep)
        self.patient = Patient(self.found, pace, retries or Retries(), self.clock, self.sleep, lambda: 0.0)

    async def found(self) -> AsyncEngine:
        return self.engine

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)

    async def ask(self) -> Answer:
        return await self.patient.chat(MESSAGES, settings={"max_tokens": 10})


async def test_what_can_pass_is_tried_again_after_growing_waits() -> None:
    scene = Scene(PASSES, Unavailable("the engine is starting"), PASSES, Answer(text="yes"))
    assert (await scene.ask()).text == "yes"
    assert scene.slept == [0.25, 0.5, 1.0]
    assert scene.patient.retried == 3


async def test_tries_have_an_end() -> None:
    scene = Scene(PASSES)
    with pytest.raises(NoAnswer, match="no answer in 4 tries: busy"):
        await scene.ask()
    assert scene.engine.asked == 4


async def test_what_cannot_pass_is_asked_once() -> None:
    scene = Scene(STAYS)
    with pytest.raises(NoAnswer, match="no answer in 1 try: no such model"):
        await scene.ask()
    assert scene.slept == []


async def test_an_engine_that_says_when_is_believed() -> None:
    scene = Scene(NoAnswer("busy", can_pass=True, retry_after_s=9.0), Answer())
    await scene.ask()
    assert scene.slept == [9.0]
    late = Scene(NoAnswer("busy", can_pass=True, retry_after_s=3600.0), Answer())
    with pytest.raises(NoAnswer, match="in 1 try"):
        await late.ask()


async def test_no_try_is_begun_too_late() -> None:
    """Each takes the whole deadline: an engine that hangs must not hold up everything else."""
    scene = Scene(PASSES)

    class Hanging(Scripted):
        async def chat(self, *arguments: Any, **named: Any) -> Answer:
            scene.clock.advance(30)
            return await super().chat(*arguments, **named)

    scene.engine = Hanging(PASSES)
    with pytest.raises(NoAnswer, match="in 1 try"):
        await scene.ask()


async def test_other_questions_are_patient_too() -> None:
    scene = Scene(Answer())
    assert await scene.patient.embed(["a", "b"]) == [[1.0], [1.0]]
    with pytest.raises(NoAnswer, match="4 tries"):
        await scene.patient.loss("a text")


@given(st.integers(1, 8), st.floats(0, 1, exclude_max=True), st.none() | st.floats(0, 100))
def test_a_wait_lies_in_the_upper_half_or_is_the_engine_s_own(
    failures: int, chance: float, asked_for: float | None
) -> None:
    wait = Retries().wait_s(failures, asked_for, chance)
    longest = min(8.0, 0.5 * 2 ** (failures - 1))
    assert wait >= longest / 2
    assert wait <= max(longest, asked_for or 0.0)


async def test_requests_keep_their_rate() -> None:
    scene = Scene(Answer(), budget=Budget(requests_per_s=2.0))
    for _ in range(5):
        await scene.ask()
    assert scene.clock.monotonic() == pytest.approx(2.0), "the first at once, four more at two a second"


async def test_tokens_that_were_not_used_come_back() -> None:
    """10 of the prompt and 10 of the answer are reserved, of 60 a minute: one token a second."""
    spent = Scene(Answer(), budget=Budget(tokens_per_minute=60.0))
    told = Scene(Answer(prompt_tokens=1, completion_tokens=1), budget=Budget(tokens_per_minute=60.0))
    for scene in (spent, told):
        for _ in range(4):
            await scene.ask()
    assert told.clock.monotonic() < spent.clock.monotonic()


@given(
    st.floats(0.1, 100),
    st.floats(1, 50),
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 5)), min_size=1, max_size=30),
)
def test_a_bucket_never_gives_more_than_its_rate_and_burst(
    rate: float, burst: float, takes: list[tuple[float, float]]
) -> None:
    clock = ManualClock()
    bucket, given = Bucket(rate, burst, clock), 0.0
    for amount, pause in takes:
        clock.advance(pause)
        clock.advance(bucket.take(amount))
        given += amount
        assert given <= burst + rate * clock.monotonic() + 1e-6


def test_workers_share_a_budget() -> None:
    assert Budget(10.0, None).shared_by(4) == Budget(2.5, None)
