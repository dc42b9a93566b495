"""Answers that no engine should give, from a seed: right ones cut, doubled, nested, stuffed and misspelt."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from aftertune.values.evaluation import Answer
from aftertune.values.exchange import ToolCall
from evals.suite.sample import Sample

_NAMES = ("add_note", "delete_note", "tighten", "order", "grid", "status", "sudo", "", "a.b", "\ud800")
_KEYS = ("text", "machine", "urgent", "level", "note", "part", "newton_metres", "bolts", "steps", "turns", "parts",
         "lines", "address", "budget", "rows", "depth", "unit", "city", "floor", "count", "", "\x00", "__class__")  # fmt: skip
_TEXTS = (
    "x",
    "",
    " ",
    "-",
    "M1",
    "low",
    "NaN",
    "null",
    "\u0000",
    "\ud800",
    "\u202e",
    "é",
    "😀" * 50,
    "</tool_call>",
    "%s" * 9,
)
_NUMBERS = (0, 1, -1, 7, 5.0, -0.0, 1e308, 10**30, 10**400, float("nan"), float("inf"))
_MARKERS = ("<tool_call>", "</tool_call>", "[TOOL_CALLS]", "[ARGS]", "<|python_tag|>", "<function=order>", "</function>",
            "<think>", "</think>", "```json\n", "\n```", "```", "[order(parts=", "add_note(", "<|im_end|>", "</s>", ";", ",")  # fmt: skip


def hostile(rng: Random) -> tuple[Sample, Answer]:
    """A sample over the conformance set's tools, and an answer to it."""
    kind = rng.choice(("tool_calls", "tool_calls", "tool_calls", "any_tool_call", "no_tool_call"))
    scoring: dict[str, Any] = {"kind": kind}
    if kind == "tool_calls":
        scoring["ground_truth"] = [
            {rng.choice(_NAMES): {rng.choice(_KEYS): _options(rng) for _ in range(rng.randrange(4))}}
            for _ in range(rng.randrange(1, 4))
        ]
    sample = Sample.model_validate({"id": "hostile", "tools": True, "scoring": scoring})
    calls = tuple(
        ToolCall(name=rng.choice(_NAMES), arguments=_arguments(rng, sample)) for _ in range(rng.randrange(4))
    )
    text = _text(rng, calls) if rng.random() < 0.5 else ""
    raw = _text(rng, calls) if rng.random() < 0.7 else None
    return sample, Answer(text=text, tool_calls=calls, raw=raw)


def _options(rng: Random) -> list[Any]:
    return [*(_value(rng, 0) for _ in range(rng.randrange(3))), *([""] if rng.random() < 0.3 else [])]


def _value(rng: Random, depth: int) -> Any:
    kind = rng.randrange(8 if depth < 4 else 5)
    if kind < 2:
        return rng.choice(_TEXTS)
    if kind < 4:
        return rng.choice(_NUMBERS)
    if kind == 4:
        return rng.choice((True, False, None))
    if kind == 5:
        return {rng.choice(_KEYS): _value(rng, depth + 1) for _ in range(rng.randrange(4))}
    return [_value(rng, depth + 1) for _ in range(rng.randrange(4))]


def _arguments(rng: Random, sample: Sample) -> str:
    """Often those that are right, often damaged."""
    truth = sample.model_dump()["scoring"].get("ground_truth")
    if truth and rng.random() < 0.5:
        (options,) = rng.choice(truth).values()
        chosen = {name: rng.choice(values) for name, values in options.items() if values}
    else:
        chosen = {rng.choice(_KEYS): _value(rng, 0) for _ in range(rng.randrange(5))}
    written = json.dumps(chosen)
    return rng.choice(_DAMAGES)(rng, written)


def _text(rng: Random, calls: tuple[ToolCall, ...]) -> str:
    pieces = [f'{{"name": {json.dumps(call.name)}, "arguments": {call.arguments}}}' for call in calls]
    for _ in range(rng.randrange(6)):
        pieces.insert(rng.randrange(len(pieces) + 1), rng.choice((*_MARKERS, *_TEXTS)))
    return rng.choice(_DAMAGES)(rng, "".join(pieces))


def _whole(_rng: Random, text: str) -> str:
    return text


def _cut(rng: Random, text: str) -> str:
    return text[: rng.randrange(len(text) + 1)]


def _doubled(rng: Random, text: str) -> str:
    start, end = sorted(rng.randrange(len(text) + 1) for _ in range(2))
    return text[:end] + text[start:]


def _stuffed(rng: Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice((*_MARKERS, *_TEXTS, "1e999", "[" * 3_000, '{"a":' * 1_500)) + text[at:]


def _misspelt(rng: Random, text: str) -> str:
    signs = list(text)
    for _ in range(min(len(signs), rng.randrange(1, 4))):
        signs[rng.randrange(len(signs))] = chr(rng.choice((rng.randrange(128), rng.randrange(0x10FFFF))))
    return "".join(signs)


_DAMAGES: tuple[Callable[[Random, str], str], ...] = (
    _whole,
    _whole,
    _whole,
    _cut,
    _doubled,
    _stuffed,
    _misspelt,
)
