"""JSON in what a model wrote, kept as it was written: repeated keys and the spelling of numbers survive."""

import json
from typing import Any

from aftertune.values.exchange import ToolCall

NAMELESS = ""
"""The name of a call that was begun and cannot be read."""


class _Members(list[tuple[str, Any]]):
    """An object's members, repeated keys included."""


class _Literal(str):
    """A number, as written."""

    __slots__ = ()


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Members, parse_float=_Literal, parse_int=_Literal, parse_constant=_Literal
)


def read(text: str, start: int = 0) -> tuple[list[ToolCall] | None, int]:
    """The call, or the list of calls, that begins at `start`, and where it ends.

    A call is {"name": ..., "arguments": {...}}; `parameters` for arguments, the name under `function`, the OpenAI form
    with both inside `function`, and arguments that are JSON in a string are read too. None when there is no JSON, or
    it is something else; the end is then that of the JSON, or `start`.
    """
    try:
        value, end = _DECODER.raw_decode(text, start)
        calls = [_call(each) for each in (value if _is_list(value) else [value])]
    except (ValueError, RecursionError):
        return None, start
    whole = [call for call in calls if call is not None]
    return (whole if whole and len(whole) == len(calls) else None), end


def read_object(text: str, start: int = 0) -> tuple[str | None, int]:
    """The object that begins at `start`, as written, and where it ends; None when there is none."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, start
    return (text[start:end] if isinstance(value, _Members) else None), end


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and not isinstance(value, _Members)


def _call(value: Any) -> ToolCall | None:
    if not isinstance(value, _Members):
        return None
    members = dict(value)
    if len(members) < len(value):
        return None
    function = members.get("function")
    if isinstance(function, _Members):
        return _call(function)
    name = members.get("name", function)
    given = [members[each] for each in ("arguments", "parameters") if each in members]
    if type(name) is not str or not name or len(given) != 1:
        return None
    return ToolCall(name=name, arguments=given[0] if type(given[0]) is str else _written(given[0]))


def _written(value: Any) -> str:
    if isinstance(value, _Members):
        return "{" + ", ".join(f"{json.dumps(key)}: {_written(each)}" for key, each in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return str(value) if isinstance(value, _Literal) else json.dumps(value)
