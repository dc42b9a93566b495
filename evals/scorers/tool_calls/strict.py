"""Tool calls, strictly: what JSON says is what counts.

Where the leaderboard's checker is lenient (strings folded, enums ignored, a repeated key, a broken call that counts as
none) this reading is not, and where its Python types are narrower than JSON's one number type it follows JSON.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from aftertune.values.exchange import ToolCall
from evals.scorers.tool_calls import matching
from evals.scorers.tool_calls.arguments import strictly
from evals.scorers.tool_calls.extraction import extract
from evals.scorers.tool_calls.toolbox import Toolbox
from evals.scorers.tool_calls.verdict import Truth, Verdict
from evals.suite.scoring import NoToolCall, ToolCalls

MAY_BE_LEFT_OUT = ""

Call = tuple[str, dict[str, Any]]


def judge(truth: Truth, calls: Sequence[ToolCall], text: str, tools: Toolbox) -> Verdict:
    """`text` is what the answer says beside its calls: a call that is still in there was attempted and not made."""
    unread = bool(text) and bool(extract(text, tools).calls)
    if isinstance(truth, NoToolCall):
        if calls or unread:
            return Verdict.CALLED
        return Verdict.RIGHT if text.strip() else Verdict.SILENT
    made = None if unread else _read(calls)
    if not made:
        return Verdict.NO_CALLS
    if not isinstance(truth, ToolCalls):
        return _any(made, tools)
    wanted = [expected for call in truth.ground_truth for expected in call.items()]
    if Counter(name for name, _ in made) != Counter(name for name, _ in wanted):
        return Verdict.WRONG_TOOLS
    try:
        right = _paired(made, wanted, tools)
    except RecursionError:
        right = False
    return Verdict.RIGHT if right else Verdict.WRONG_ARGUMENTS


def _read(calls: Sequence[ToolCall]) -> list[Call] | None:
    """None when one of them is not well-formed."""
    made: list[Call] = []
    for call in calls:
        arguments = strictly(call.arguments)
        if arguments is None:
            return None
        made.append((call.name, arguments))
    return made


def _any(made: Sequence[Call], tools: Toolbox) -> Verdict:
    """Right when every call is to an offered tool, with arguments that its schema allows."""
    if any(name not in tools for name, _ in made):
        return Verdict.WRONG_TOOLS
    allowed = all(tools[name].allows(arguments) for name, arguments in made)
    return Verdict.RIGHT if allowed else Verdict.WRONG_ARGUMENTS


def _paired(
    made: Sequence[Call], wanted: Sequence[tuple[str, Mapping[str, Sequence[Any]]]], tools: Toolbox
) -> bool:
    fits = [
        [
            index
            for index, (tool, options) in enumerate(wanted)
            if tool == name and tool in tools and match(arguments, options) and tools[tool].allows(arguments)
        ]
        for name, arguments in made
    ]
    return matching.best(fits, len(made))


def match(given: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Each key has one of its acceptable values, none is added, and only those that may be are left out.

    An empty string among the values says that the key may be left out; it is no value itself. Anything but a list of
    values is the one acceptable value.
    """
    if not given.keys() <= options.keys():
        return False
    for name, listed in options.items():
        values = listed if isinstance(listed, list | tuple) else [listed]
        if name not in given:
            if MAY_BE_LEFT_OUT not in values:
                return False
        elif not any(_same(given[name], value) for value in values if value != MAY_BE_LEFT_OUT):
            return False
    return True


def _same(given: Any, wanted: Any) -> bool:
    """Equal as JSON. Inside an object each key has its own acceptable values."""
    if isinstance(wanted, Mapping):
        return isinstance(given, Mapping) and match(given, wanted)
    if isinstance(wanted, list | tuple):
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
