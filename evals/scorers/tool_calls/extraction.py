"""Reading the calls out of what a model generated, before or without an engine's parser.

Read are `<tool_call>` (Hermes, Qwen), `[TOOL_CALLS]` (Mistral), `<|python_tag|>` and `<function=name>` (Llama),
whichever comes first; then fenced blocks; then a whole text that is JSON or Python calls. After a marker anything counts as a call, broken
or not; without one, only calls to offered tools do, as prose and code samples look alike.
"""

import json
import re
from collections.abc import Collection, Iterator
from itertools import islice
from typing import NamedTuple

from aftertune.values.exchange import ToolCall
from evals.scorers.tool_calls import generated, pythonic
from evals.scorers.tool_calls.generated import NAMELESS

EXTRACTOR = "1"
"""Changes with every change of what is read."""

MOST_CALLS = 256
"""Marked calls that are read; what follows them is not looked at."""

_THOUGHT, _THOUGHT_END = "<think>", "</think>"
_ENDS = ("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|endoftext|>", "<|end|>", "</s>")
_HINTS = ("<", "{", "[", "(")

_TAG, _TAG_END = "<tool_call>", "</tool_call>"
_MISTRAL = "[TOOL_CALLS]"
_PYTHON_TAG = "<|python_tag|>"
_MARKERS = (_TAG, _MISTRAL, _PYTHON_TAG, "<function=")
_FUNCTION = re.compile(r"<function=([^>\s]{1,200})>")
_FUNCTION_END = "</function>"
_MISTRAL_NAME = re.compile(r"\s*([\w.\-]+)(?:\[CALL_ID\][\w\-]+)?(?:\[ARGS\])?\s*")
_FENCE = re.compile(r"```[\w+\-]*[ \t\r]*\n(.*?)(?:```|\Z)", re.DOTALL)
_BETWEEN = re.compile(r"[\s,;]*")
_BLANK = re.compile(r"\s*")
_NAMED = re.compile(r'\s*\[?\s*\{\s*"(?:type"\s*:\s*"function"\s*,\s*"function"\s*:\s*\{\s*")?(?:name|function)"'
                    r'\s*:\s*"([^"\\]{1,200})"')  # fmt: skip


class Extracted(NamedTuple):
    """The calls in the order in which they were written, and the words that are left."""

    calls: tuple[ToolCall, ...]
    text: str


def extract(generated_text: str, tools: Collection[str]) -> Extracted:
    """`tools`: the names of those offered. A call that was begun and cannot be read has no name."""
    if not any(hint in generated_text for hint in _HINTS):
        return Extracted((), generated_text.strip())
    text = _said(generated_text)
    marked = [(at, form) for marker, form in _FORMS if (at := text.find(marker)) >= 0]
    if marked:
        # The first marker says how to read on: any other may be part of an argument.
        at, form = min(marked, key=lambda each: each[0])
        return Extracted(tuple(islice(form(text[at:]), MOST_CALLS)), text[:at].strip())
    calls, rest = _fenced(text, tools)
    if calls:
        return Extracted(tuple(calls), rest.strip())
    whole = _whole(text, tools)
    return Extracted(tuple(whole), "" if whole else text.strip())


def _said(text: str) -> str:
    """Without what was thought before it, and without the signs that end a turn.

    A template may have opened the thought, so that only its end is there. A text that begins with a call is none.
    """
    text = text.strip()
    if _THOUGHT_END in text and not text.startswith(_MARKERS):
        text = text.partition(_THOUGHT_END)[2].strip()
        if text.startswith(_THOUGHT):
            text = text.rpartition(_THOUGHT_END)[2].strip()
    if text.startswith(_THOUGHT):
        return ""
    end = len(text)
    while ending := next((each for each in _ENDS if text.endswith(each, 0, end)), ""):
        end -= len(ending)
        while end and text[end - 1].isspace():
            end -= 1
    return text[:end]


def _broken(text: str) -> ToolCall:
    """What was written, as a JSON text: whatever it was, it is no object of arguments."""
    return ToolCall(name=NAMELESS, arguments=json.dumps(text))


def _tagged(text: str) -> Iterator[ToolCall]:
    """JSON after each tag; the end tag may be missing, as it is when it was the stop string."""
    at = text.find(_TAG)
    while at >= 0:
        start = _skip(_BLANK, text, at + len(_TAG))
        calls, end = generated.read(text, start)
        following = text.find(_TAG, end)
        limit = following if following >= 0 else len(text)
        closing = text.find(_TAG_END, end, limit)
        stop = closing if closing >= 0 else limit
        if calls is None or text[end:stop].strip():
            yield _broken(text[start:stop])
        else:
            yield from calls
        at = following


def _mistral(text: str) -> Iterator[ToolCall]:
    """A JSON list of calls, or a name and the object of its arguments, after each marker."""
    at = text.find(_MISTRAL)
    while at >= 0:
        start = at + len(_MISTRAL)
        calls, end = generated.read(text, _skip(_BLANK, text, start))
        if calls is None and (named := _MISTRAL_NAME.match(text, start)):
            arguments, end = generated.read_object(text, named.end())
            calls = None if arguments is None else [ToolCall(name=named[1], arguments=arguments)]
        at = text.find(_MISTRAL, end)
        stop = at if at >= 0 else len(text)
        if calls is None or text[end:stop].strip():
            yield _broken(text[start:stop])
        else:
            yield from calls


def _python_tagged(text: str) -> Iterator[ToolCall]:
    """JSON calls, or Python ones, after each tag."""
    at = text.find(_PYTHON_TAG)
    while at >= 0:
        start = at + len(_PYTHON_TAG)
        calls, end = _values(text, start)
        at = text.find(_PYTHON_TAG, end)
        stop = at if at >= 0 else len(text)
        written = text[start:stop]
        if calls and end == stop:
            yield from calls
        else:
            yield from pythonic.read(written) or [_broken(written)]


def _functions(text: str) -> Iterator[ToolCall]:
    """The object of a call's arguments in a tag that names the tool."""
    tag = _FUNCTION.search(text)
    if tag is None:
        yield _broken(text)
    while tag is not None:
        arguments, end = generated.read_object(text, _skip(_BLANK, text, tag.end()))
        following = _FUNCTION.search(text, end)
        stop = following.start() if following else len(text)
        if arguments is None or text[end:stop].strip() not in ("", _FUNCTION_END):
            yield _broken(text[tag.end() : stop])
        else:
            yield ToolCall(name=tag[1], arguments=arguments)
        tag = following


_FORMS = tuple(zip(_MARKERS, (_tagged, _mistral, _python_tagged, _functions), strict=True))


def _fenced(text: str, tools: Collection[str]) -> tuple[list[ToolCall], str]:
    found: list[ToolCall] = []

    def taken(fence: re.Match[str]) -> str:
        calls = _whole(fence[1], tools)
        found.extend(calls)
        return "" if calls else fence[0]

    rest = _FENCE.sub(taken, text) if "```" in text else text
    return found, rest


def _whole(text: str, tools: Collection[str]) -> list[ToolCall]:
    """Calls to offered tools that are the whole text; a broken one where it is plain that one was begun."""
    text = text.strip()
    calls = _json(text)
    if calls:
        return calls if all(call.name in tools for call in calls) else []
    named = _NAMED.match(text)
    if named:
        _, end = generated.read(text)
        return [_broken(text)] if named[1] in tools and end == 0 else []
    begun = pythonic.begun(text)
    if begun is None or begun[0] not in tools:
        return []
    if written := pythonic.read(text):
        return written if all(call.name in tools for call in written) else []
    return [_broken(text)] if begun[1] else []


def _json(text: str) -> list[ToolCall]:
    """One JSON value after another, each of them calls; empty when anything else is there."""
    calls, end = _values(text, 0)
    return calls if end == len(text) else []


def _values(text: str, at: int) -> tuple[list[ToolCall], int]:
    """The calls that JSON values, one after another, are from `at` on, and where there is something else."""
    found: list[ToolCall] = []
    at = _skip(_BLANK, text, at)
    while at < len(text):
        calls, end = generated.read(text, at)
        if calls is None:
            break
        found += calls
        at = _skip(_BETWEEN, text, end)
    return found, at


def _skip(pattern: re.Pattern[str], text: str, at: int = 0) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
