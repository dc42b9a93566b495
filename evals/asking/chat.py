"""The plain way of asking: one chat request, whole or streamed."""

from typing import Any

from aftertune.engine import AsyncEngine
from aftertune.values.evaluation import Answer
from evals.asking.question import Question


async def chat(question: Question, engine: AsyncEngine) -> Answer:
    return await _asked(question, engine, stream=False)


async def stream(question: Question, engine: AsyncEngine) -> Answer:
    return await _asked(question, engine, stream=True)


async def _asked(question: Question, engine: AsyncEngine, *, stream: bool) -> Answer:
    return await engine.chat(
        question.messages,
        tools=question.tools,
        stream=stream,
        raw=question.ask.raw,
        settings=settings_of(question),
    )


def settings_of(question: Question) -> dict[str, Any]:
    """Of a chat request, as the card and the question's seed have them; the card's other options go along."""
    ask = question.ask
    top_p = {} if ask.top_p is None else {"top_p": ask.top_p}
    return {
        **ask.options,
        "max_tokens": ask.max_tokens,
        "temperature": ask.temperature,
        **top_p,
        "seed": question.seed,
    }
