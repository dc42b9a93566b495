"""Asking in turns: the model calls the simulated Task API until it speaks, then the user says the next thing.

The user's turns are written in the sample: a simulated user would add errors of its own to every number.
"""

import json
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from aftertune.engine import AsyncEngine
from aftertune.errors import BadInput
from aftertune.values.evaluation import Answer
from evals.asking.chat import settings_of
from evals.asking.question import Question
from evals.conversation.course import CUT_SHORT
from evals.conversation.task_api import Scene, carry_out
from evals.scorers.tool_calls.arguments import strictly
from evals.scorers.tool_calls.toolbox import Toolbox, toolbox
from evals.suite.scoring import Conversation

Message = dict[str, Any]
Number = TypeVar("Number", int, float)


class _Talk(NamedTuple):
    """What has happened: the world, the messages after the sample's own, the calls made."""

    scene: Scene
    transcript: tuple[Message, ...] = ()
    calls: int = 0

    def says(self, role: str, content: str) -> "_Talk":
        return self._replace(transcript=(*self.transcript, {"role": role, "content": content}))


async def conversation(question: Question, engine: AsyncEngine) -> Answer:
    """The answer's text is the last that was said; tokens and time are of all its parts.

    The engine is asked at most once for each call, once for each of the user's turns, and twice more. Raises Unavailable
    when it once gives no answer, BadInput when the sample is no conversation.
    """
    wanted = question.sample.scoring
    if not isinstance(wanted, Conversation):
        raise BadInput(f"The sample {question.sample.id} is no conversation.", "Ask it in another way.")
    tools = toolbox(question.tools)
    talk, turns = _Talk(Scene(wanted.world, wanted.faults)), deque(wanted.turns)
    answers: list[Answer] = []
    while True:
        answer = await engine.chat(
            [*question.messages, *map(_sent, talk.transcript)],
            tools=question.tools,
            settings=settings_of(question),
        )
        answers.append(answer)
        if answer.tool_calls:
            asked = talk.calls + len(answer.tool_calls)
            talk = _answered(talk, answer, tools, wanted.most_calls)
            if asked > wanted.most_calls:
                return _whole(talk, answers, CUT_SHORT)
        else:
            talk = talk.says("assistant", answer.text)
            if not turns:
                return _whole(talk, answers, answer.finish)
            talk = talk.says("user", turns.popleft())


def _answered(talk: _Talk, answer: Answer, tools: Toolbox, most_calls: int) -> _Talk:
    """With the calls and what came back; calls beyond the limit get no result."""
    ids = [f"call_{talk.calls + number}" for number in range(1, len(answer.tool_calls) + 1)]
    made = [
        {"id": each, "type": "function", "function": call.model_dump()}
        for each, call in zip(ids, answer.tool_calls, strict=True)
    ]
    scene = talk.scene
    messages: list[Message] = [{"role": "assistant", "content": answer.text or None, "tool_calls": made}]
    for each, call in list(zip(ids, answer.tool_calls, strict=True))[: most_calls - talk.calls]:
        scene, result = carry_out(scene, call, tools)
        messages.append({"role": "tool", "tool_call_id": each, "content": json.dumps(result.content)})
    return _Talk(scene, (*talk.transcript, *messages), talk.calls + len(messages) - 1)


def _sent(message: Message) -> Message:
    """Engines refuse a whole request for arguments that are no JSON: the model is shown that it gave none."""
    if "tool_calls" not in message:
        return message
    calls = [
        each
        if strictly(each["function"]["arguments"]) is not None
        else {**each, "function": {**each["function"], "arguments": "{}"}}
        for each in message["tool_calls"]
    ]
    return {**message, "tool_calls": calls}


def _whole(talk: _Talk, answers: Sequence[Answer], finish: str | None) -> Answer:
    return Answer(
        text=answers[-1].text,
        finish=finish,
        prompt_tokens=_sum([answer.prompt_tokens for answer in answers]),
        completion_tokens=_sum([answer.completion_tokens for answer in answers]),
        latency_s=_sum([answer.latency_s for answer in answers]),
        transcript=talk.transcript,
        state=talk.scene.world.model_dump(mode="json"),
    )


def _sum(counted: Sequence[Number | None]) -> Number | None:
    """None when one of them is not known."""
    known = [each for each in counted if each is not None]
    return sum(known[1:], known[0]) if len(known) == len(counted) else None
