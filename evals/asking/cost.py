"""What serving an answer costs: streamed answers of one length, timed.

An engine is timed by one sample at a time, whatever the harness has under way: requests of other samples would be in the
figures. Releases that are compared are asked side by side; on one machine they share it, both to the same extent.
"""

import asyncio
from statistics import median
from typing import Any, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from aftertune.engine import AsyncEngine
from aftertune.errors import BadInput
from aftertune.values.evaluation import Answer
from evals.asking.chat import settings_of
from evals.asking.question import Question
from evals.suite.scoring import Served

_alone: WeakKeyDictionary[AsyncEngine, asyncio.Lock] = WeakKeyDictionary()


@runtime_checkable
class KnowsItsMemory(Protocol):
    """An engine that may tell how many bytes of memory it takes; None: it does not."""

    async def memory(self) -> int | None: ...


async def cost(question: Question, engine: AsyncEngine) -> Answer:
    """As many requests at once as the sample says, timed from the first byte sent to the last one read.

    The answer holds their tokens together, the median of their first tokens' times, and in its state how many there were
    and the engine's memory. Raises Unavailable when one of them fails, BadInput when the engine counts no tokens.
    """
    wanted = question.sample.scoring
    if not isinstance(wanted, Served):
        raise BadInput(f"The sample {question.sample.id} is not to be timed.", "Ask it in another way.")
    async with _alone.setdefault(engine, asyncio.Lock()):
        loop = asyncio.get_running_loop()
        began = loop.time()
        # All of them to their end, failed ones too: what is left under way would be in the next sample's figures.
        ended = await asyncio.gather(
            *(_request(question, engine) for _ in range(wanted.at_once)), return_exceptions=True
        )
        seconds = loop.time() - began
        answers = [_given(each) for each in ended]
        memory = await engine.memory() if isinstance(engine, KnowsItsMemory) else None
    return _summed(answers, seconds, memory)


def _given(ended: Answer | BaseException) -> Answer:
    if isinstance(ended, BaseException):
        raise ended
    return ended


async def _request(question: Question, engine: AsyncEngine) -> Answer:
    return await engine.chat(
        question.messages, tools=question.tools, stream=True, settings=settings_of(question)
    )


def _summed(answers: list[Answer], seconds: float, memory: int | None) -> Answer:
    firsts = [answer.first_token_s for answer in answers if answer.first_token_s is not None]
    tokens = [answer.completion_tokens for answer in answers if answer.completion_tokens]
    if len(tokens) < len(answers) or len(firsts) < len(answers):
        raise BadInput("The engine does not say how many tokens it streamed.", "Serve the release with vLLM.")
    state: dict[str, Any] = {"at_once": len(answers), "memory_bytes": memory}
    return Answer(
        finish=answers[0].finish,
        prompt_tokens=sum(answer.prompt_tokens or 0 for answer in answers),
        completion_tokens=sum(tokens),
        first_token_s=median(firsts),
        latency_s=seconds,
        state=state,
    )
