"""Tool calls as the Berkeley Function-Calling Leaderboard scores them (BFCL v4, its Python AST checker of 2026-03).

For comparison with published numbers, quirks and all; nothing here is advice. Strings are folded; a schema's enum is
not looked at; types are Python's, one level deep; a value of the type that an argument's first acceptable value has is
accepted where it is listed, whatever the schema says; parallel calls take the first that fits; an answer that cannot
be decoded counts as one without calls. Where that checker itself would fail, what it cannot read fits nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from aftertune.values.exchange import ToolCall
from evals.scorers.tool_calls import matching
from evals.scorers.tool_calls.arguments import leniently
from evals.scorers.tool_calls.toolbox import Tool, Toolbox, Types
from evals.scorers.tool_calls.verdict import Truth, Verdict
from evals.suite.scoring import NoToolCall, ToolCalls

MAY_BE_LEFT_OUT = ""

_FOLDED = str.maketrans({**dict.fromkeys(" ,./-_*^"), "'": '"'})

Call = tuple[str, dict[str, Any]]


def judge(truth: Truth, calls: Sequence[ToolCall], tools: Toolbox) -> Verdict:
    """The answer's text does not matter."""
    made = _read(calls)
    if isinstance(truth, NoToolCall):
        return Verdict.CALLED if made else Verdict.RIGHT
    if not made:
        return Verdict.NO_CALLS
    if not isinstance(truth, ToolCalls):
        return Verdict.RIGHT
    wanted = [expected for call in truth.ground_truth for expected in call.items()]
    if Counter(name for name, _ in made) != Counter(name for name, _ in wanted):
        return Verdict.WRONG_TOOLS
    try:
        fits = [
            [index for index, call in enumerate(made) if _right(call, name, options, tools.get(name))]
            for name, options in wanted
        ]
    except RecursionError:
        return Verdict.WRONG_ARGUMENTS
    return Verdict.RIGHT if matching.greedy(fits, len(wanted)) else Verdict.WRONG_ARGUMENTS


def _read(calls: Sequence[ToolCall]) -> list[Call]:
    """Empty as well when one of them cannot be decoded."""
    made: list[Call] = []
    for call in calls:
        arguments = leniently(call.arguments)
        if arguments is None:
            return []
        made.append((call.name, arguments))
    return made


def _right(call: Call, name: str, options: Mapping[str, Sequence[Any]], tool: Tool | None) -> bool:
    called, arguments = call
    if called != name or tool is None or any(each not in arguments for each in tool.required):
        return False
    for each, value in arguments.items():
        if each not in tool.types or each not in options:
            return False
        if not _acceptable(value, options[each], tool.types[each]):
            return False
    return all(each in arguments or MAY_BE_LEFT_OUT in values for each, values in options.items())


def _acceptable(value: Any, values: Sequence[Any], types: Types) -> bool:
    value = _widened(value, types.own)
    listed = _type_of_first(values)
    if type(value) is types.own:
        if types.elements and not any(_has_elements(value, option, types.elements) for option in values):
            return False
        as_listed = listed not in (None, types.own)
    elif listed is not None and type(value) is listed:
        as_listed = True
    else:
        return False
    return value in values if as_listed else _is_listed(value, values, types)


def _widened(value: Any, own: type) -> Any:
    """An integer stands for a float, but not inside a list."""
    try:
        return float(value) if own is float and type(value) is int else value
    except OverflowError:
        return value


def _is_listed(value: Any, values: Sequence[Any], types: Types) -> bool:
    """Whether a value of the schema's type is one of the acceptable ones."""
    if types.own is str:
        return _folded(value) in [_folded(option) for option in values if type(option) is str]
    if types.own is dict:
        return any(_is_object(value, option) for option in values)
    if types.own is not list:
        return value in values
    if types.elements is dict:
        return any(_are_objects(value, option) for option in values)
    return [_folded(element) for element in value] in [_elements(option) for option in values]


def _type_of_first(values: Sequence[Any]) -> type | None:
    """Of the first value that does not say that the argument may be left out."""
    return next((type(value) for value in values if value != MAY_BE_LEFT_OUT), None)


def _has_elements(value: Any, option: Any, elements: type) -> bool:
    """Each element is of the schema's type or of that of the option's first; an option that is no list asks nothing."""
    if not isinstance(option, list):
        return True
    listed = _type_of_first(option)
    return all(type(each) is elements or type(each) is listed for each in value)


def _is_object(value: Any, option: Any) -> bool:
    """Each key has one of its options, compared as a whole: what is nested deeper is not folded and has no options."""
    if not isinstance(value, dict) or not isinstance(option, dict):
        return False
    for key, given in value.items():
        if key not in option or _folded(given) not in (_elements(option[key]) or ()):
            return False
    return all(
        key in value or (isinstance(options, list | str) and MAY_BE_LEFT_OUT in options)
        for key, options in option.items()
    )


def _are_objects(value: Sequence[Any], option: Any) -> bool:
    """In the same order. The mark that an argument may be left out has no elements, and so matches an empty list."""
    return (
        isinstance(option, list | str)
        and len(value) == len(option)
        and all(_is_object(each, one) for each, one in zip(value, option, strict=True))
    )


def _elements(option: Any) -> list[Any] | None:
    """Folded, a text's characters too: so the mark that an argument may be left out is an empty list."""
    return [_folded(element) for element in option] if isinstance(option, list | str) else None


def _folded(value: Any) -> Any:
    return value.translate(_FOLDED).lower() if isinstance(value, str) else value
