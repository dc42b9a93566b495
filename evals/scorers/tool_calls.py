"""Tool calls, strictly: what JSON says is what counts.

The funnel is json → tool → arguments, each a share of those that reached it, and end_to_end, the share of all samples
that need a call. Samples that need none have a number of their own, abstention: a model that always calls looks good
otherwise. Ground truth has the form of the Berkeley Function-Calling Leaderboard; where its checker is lenient (strings
folded, enums ignored, a repeated key, a broken call counted as none) this one is not, and one number type is JSON's.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator

from aftertune.engine import ChatAnswer
from aftertune.values.exchange import ToolCall
from evals.sample import Sample

MAY_BE_LEFT_OUT = ""
RAW_CALL = "<tool_call>"
"""A call that the engine did not recognise, left in the text."""

_MEANING = {
    "json": "of the samples that need a call: answers with well-formed calls only",
    "tool": "of those with well-formed calls: exactly the right tools",
    "arguments": "of those with the right tools: all arguments right",
    "end_to_end": "of all samples that need a call",
    "abstention": "of the samples that need no call: answered in words",
}

_REACHED = ("tool", "arguments")
"""Only answers that came through the funnel so far have them."""

Options = Mapping[str, Sequence[Any]]


class StrictToolCalls:
    name = "tool_calls.strict"
    version = "1"

    def expects(self, sample: Sample) -> tuple[str, ...]:
        if sample.calls is None:
            return ()
        return ("json", "end_to_end") if sample.calls else ("abstention",)

    def metrics(self, samples: Sequence[Sample]) -> tuple[str, ...]:
        """The funnel when a sample needs a call, abstention when one needs none."""
        counted = {metric for sample in samples for metric in self.expects(sample)}
        return tuple(
            metric for metric in _MEANING if metric in counted or (metric in _REACHED and "json" in counted)
        )

    def score(
        self, sample: Sample, tools: Sequence[Mapping[str, Any]], answer: ChatAnswer
    ) -> dict[str, float]:
        unread = RAW_CALL in answer.text
        if not sample.calls:
            return {"abstention": float(bool(answer.text.strip()) and not answer.tool_calls and not unread)}
        calls = [_parsed(call) for call in answer.tool_calls]
        well_formed = [
            (call.name, a) for call, a in zip(answer.tool_calls, calls, strict=True) if a is not None
        ]
        if unread or not calls or len(well_formed) < len(calls):
            return {"json": 0.0, "end_to_end": 0.0}
        wanted = [(tool, options) for call in sample.calls for tool, options in call.items()]
        if Counter(name for name, _ in well_formed) != Counter(tool for tool, _ in wanted):
            return {"json": 1.0, "tool": 0.0, "end_to_end": 0.0}
        right = float(_all_match(well_formed, wanted, _schemas(tools)))
        return {"json": 1.0, "tool": 1.0, "arguments": right, "end_to_end": right}

    def meaning(self, metric: str) -> str:
        return _MEANING[metric]


def _parsed(call: ToolCall) -> dict[str, Any] | None:
    """The arguments; None when they are no JSON object, or one with a repeated key."""
    try:
        arguments = json.loads(call.arguments, object_pairs_hook=_without_repeats, parse_constant=_refused)
    except (ValueError, RecursionError):
        return None
    return arguments if isinstance(arguments, dict) else None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is repeated")
    return found


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _schemas(tools: Sequence[Mapping[str, Any]]) -> dict[str, Draft202012Validator]:
    return {
        tool["function"]["name"]: Draft202012Validator(tool["function"].get("parameters", {}))
        for tool in tools
    }


def _all_match(
    calls: Sequence[tuple[str, dict[str, Any]]],
    wanted: Sequence[tuple[str, Options]],
    schemas: Mapping[str, Draft202012Validator],
) -> bool:
    """Whether calls and expectations, equally many, can be paired one to one, in any order (Kuhn's algorithm)."""
    fits = [
        [
            index
            for index, (tool, options) in enumerate(wanted)
            if tool == name and _valid(schemas.get(name), arguments) and _match(arguments, options)
        ]
        for name, arguments in calls
    ]
    taken: dict[int, int] = {}

    def place(call: int, tried: set[int]) -> bool:
        for index in fits[call]:
            if index not in tried:
                tried.add(index)
                if index not in taken or place(taken[index], tried):
                    taken[index] = call
                    return True
        return False

    return all(place(call, set()) for call in range(len(calls)))


def _valid(schema: Draft202012Validator | None, arguments: dict[str, Any]) -> bool:
    try:
        return schema is None or bool(schema.is_valid(arguments))
    except RecursionError:
        return False


def _match(arguments: Mapping[str, Any], options: Options) -> bool:
    """Each argument has one of its acceptable values, none is added, and only those that may be are left out."""
    if not arguments.keys() <= options.keys():
        return False
    return all(
        any(_same(arguments[name], value) for value in values)
        if name in arguments
        else MAY_BE_LEFT_OUT in values
        for name, values in options.items()
    )


def _same(given: Any, wanted: Any) -> bool:
    """Equal as JSON. Inside an object each key has its own acceptable values."""
    if isinstance(wanted, Mapping):
        return isinstance(given, Mapping) and _match(given, wanted)
    if isinstance(wanted, list):
        return (
            isinstance(given, list)
            and len(given) == len(wanted)
            and all(_same(g, w) for g, w in zip(given, wanted, strict=True))
        )
    if isinstance(wanted, bool) or isinstance(given, bool):
        return given is wanted
    if isinstance(wanted, int | float):
        return isinstance(given, int | float) and given == wanted
    return type(given) is type(wanted) and bool(given == wanted)
