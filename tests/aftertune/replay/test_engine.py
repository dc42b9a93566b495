"""Asking an engine: every answer whole, what is no answer counted, never too fast."""

import asyncio
import json
import time

import pytest

from aftertune.replay.answer import LONGEST_ANSWER, ReplayAnswer
from aftertune.replay.engine import GIVE_UP, Asker, Pace
from aftertune.replay.prompt import Prompt
from aftertune.values.exchange import Endpoint
from aftertune.values.route import Target
from tests.fakes.engine import FakeEngine, Fault

DEADLINE_S = 30.0


def prompts(n: int, *, stream: bool = False) -> list[Prompt]:
    def body(number: int) -> str:
        said = [{"role": "user", "content": f"who are you? {number}"}]
        return json.dumps({"model": "tasks", "messages": said, "stream": stream})

    return [
        Prompt(exchange_id=f"e{number}", endpoint=Endpoint.CHAT, request=body(number), redacted=False)
        for number in range(n)
    ]


async def ask(asker: Asker, asked: list[Prompt]) -> list[ReplayAnswer | None]:
    try:
        return [answer async for answer in asker.answers(asked)]
    finally:
        await asker.close()


def asker(
    url: str, *, rate: float | None = None, concurrency: int = 4, timeout_s: float = DEADLINE_S
) -> Asker:
    target = Target(release="v2", url=url, served_name="v2")
    return Asker(target, rate, concurrency, timeout_s)


@pytest.mark.parametrize("stream", [False, True])
async def test_every_answer_is_drained(stream: bool) -> None:
    async with FakeEngine("v2") as engine:
        asking = asker(engine.url)
        answers = [each for each in await ask(asking, prompts(6, stream=stream)) if each]

    assert {each.exchange_id for each in answers} == {f"e{number}" for number in range(6)}
    assert all(b"v2" in each.answer and each.status == 200 for each in answers)
    assert all(0 <= each.first_byte_s <= each.last_byte_s for each in answers)
    assert all(each.answer.endswith(b"[DONE]\n\n") for each in answers) == stream
    assert not asking.unmeasured
    assert {seen.json["model"] for seen in engine.seen} == {"v2"}


async def test_a_failed_answer_is_an_answer() -> None:
    async with FakeEngine("v2", fault=Fault.SERVER_ERROR) as engine:
        (answer,) = await ask(asker(engine.url), prompts(1))

    assert answer is not None
    assert answer.status == 500


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.CLOSE_EARLY, "the engine does not answer"),
        (Fault.DIE, "the engine does not answer"),
        (Fault.HANG, "no answer in time"),
        (Fault.HUGE, f"an answer is longer than {LONGEST_ANSWER} bytes"),
    ],
)
async def test_no_answer_is_no_measurement(fault: Fault, reason: str) -> None:
    async with FakeEngine("v2", fault=fault) as engine:
        asking = asker(engine.url, timeout_s=0.5 if fault is Fault.HANG else DEADLINE_S)
        answers = await ask(asking, prompts(2))

    assert answers == [None, None]
    assert asking.unmeasured == {reason: 2}


async def test_an_engine_that_is_away_is_not_asked_on_and_on() -> None:
    async with FakeEngine("v2") as engine:
        gone = engine.url
    asking = asker(gone, concurrency=1)
    answers = await ask(asking, prompts(GIVE_UP + 5))

    assert asking.away
    assert answers == [None] * (GIVE_UP + 5)
    assert asking.unmeasured == {"the engine does not answer": GIVE_UP, "the engine is away": 5}


async def test_what_is_unfit_is_not_asked() -> None:
    async with FakeEngine("v2") as engine:
        asking = asker(engine.url)
        (answer,) = await ask(asking, [prompts(1)[0].model_copy(update={"request": "[]"})])

    assert answer is None
    assert engine.seen == []
    assert asking.unmeasured == {"the request is not a JSON object": 1}


async def test_stopping_cancels_what_is_under_way() -> None:
    async with FakeEngine("v2", fault=Fault.HANG) as engine:
        asking = asker(engine.url)
        task = asyncio.create_task(ask(asking, prompts(8)))
        await asyncio.wait_for(engine.arrived.wait(), DEADLINE_S)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(engine.abandoned.wait(), DEADLINE_S)


async def test_the_pace_is_kept() -> None:
    pace, begun = Pace(50.0), time.monotonic()
    await asyncio.gather(*(pace.wait() for _ in range(11)))

    assert time.monotonic() - begun >= 0.199
