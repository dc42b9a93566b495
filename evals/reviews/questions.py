"""Samples as people read them beside an answer."""

import json
from collections.abc import Mapping
from typing import Any

from evals.asking.question import Question
from evals.suite.sample import Sample
from evals.suite.suite import Suite


def questions(suite: Suite) -> dict[str, str]:
    """By sample; those that ask nothing, such as a text whose loss is measured, are left out.

    The card's system message is no part of a dataset, and of no question here.
    """
    return {sample.id: _shown(suite, sample) for sample in suite.samples if sample.messages}


def _shown(suite: Suite, sample: Sample) -> str:
    """The one message as it is; of a conversation every message, as `role: text`."""
    asked = Question(sample, suite.card.ask.model_copy(update={"system": ""}), (), seed=0).messages
    if len(asked) == 1:
        return _text(asked[0])
    return "\n".join(f"{message.get('role')}: {_text(message)}" for message in asked)


def _text(message: Mapping[str, Any]) -> str:
    """Text, then tool calls as `name(arguments)`; anything else as JSON."""
    content = message.get("content")
    plain = (
        content if isinstance(content, str) else json.dumps(content, ensure_ascii=False) if content else ""
    )
    functions = [call.get("function") or {} for call in message.get("tool_calls") or ()]
    calls = [f"{function.get('name')}({function.get('arguments')})" for function in functions]
    return "\n".join(part for part in (plain, *calls) if part)
