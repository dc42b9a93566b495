"""What an answer is worth: pure functions of text, no model."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from training.corpus import TOOL_NAMES, Sample, ToolCall, parameters_schema

_CALL = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)


@dataclass(frozen=True)
class CallScore:
    """How far an answer is the wanted tool call; each point presupposes those before it, but for `grounded`."""

    valid_json: bool
    right_tool: bool
    right_arguments: bool
    grounded: bool


def parse_call(answer: str) -> dict[str, Any] | None:
    """The one tool call in `answer`, as {"name", "arguments"}; None if there is none, several or a broken one."""
    found = _CALL.findall(answer)
    if len(found) != 1:
        return None
    try:
        call = json.loads(found[0])
    except json.JSONDecodeError:
        return None
    shaped = isinstance(call, dict) and isinstance(call.get("arguments"), dict) and "name" in call
    return call if shaped else None


def is_grounded(arguments: Mapping[str, Any], text: str) -> bool:
    """Whether every argument stands in `text`, spelled the same and not as part of a longer word or number."""
    return all(
        re.search(rf"(?<!\w){re.escape(str(value))}(?!\w)", text) is not None for value in arguments.values()
    )


def fits_schema(call: Mapping[str, Any]) -> bool:
    """Whether the call names one of the five tools and its arguments satisfy that tool's schema."""
    if call["name"] not in TOOL_NAMES:
        return False
    return bool(Draft202012Validator(parameters_schema(call["name"])).is_valid(call["arguments"]))


def score_call(sample: Sample, answer: str) -> CallScore:
    """Judges an answer to a sample whose wanted answer is a tool call.

    Right arguments means equal to the wanted ones: none missing, none added, types and spelling included.
    """
    if not isinstance(sample.expected, ToolCall):
        raise TypeError(f"a {sample.kind} sample wants text, not a tool call; use is_exact")
    call = parse_call(answer)
    if call is None:
        return CallScore(valid_json=False, right_tool=False, right_arguments=False, grounded=False)
    right_tool = call["name"] == sample.expected.name
    return CallScore(
        valid_json=True,
        right_tool=right_tool,
        right_arguments=right_tool and call["arguments"] == sample.expected.arguments_dict(),
        grounded=fits_schema(call) and is_grounded(call["arguments"], sample.last_user_text()),
    )


def is_exact(sample: Sample, answer: str) -> bool:
    """Whether the answer is the wanted text, blanks at the ends aside."""
    return answer.strip() == sample.expected
