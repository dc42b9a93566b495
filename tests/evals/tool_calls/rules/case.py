"""One labelled case, and short ways to write one down."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

RIGHT = "right"
ARGUMENTS = "wrong_arguments"
TOOLS = "wrong_tools"
BROKEN = "no_well_formed_calls"
CALLED = "called"
SILENT = "silent"

ANY = "any"
NONE = "none"

Call = tuple[str, str]
Options = Mapping[str, Any]
"""By argument, every acceptable value."""

Truth = Sequence[Mapping[str, Options]] | str


class Case(NamedTuple):
    """`truth`: the expected calls, `any` or `none`. `raw`: the calls stand in this text, not in `calls`."""

    rule: str
    why: str
    truth: Truth
    calls: Sequence[Call]
    bfcl: str
    strict: str
    text: str = ""
    raw: str | None = None

    def line(self, number: int) -> str:
        found = {"id": f"{self.rule}-{number:03}", **self._asdict()}
        return json.dumps(found, ensure_ascii=False) + "\n"


def options(**listed: Any) -> Options:
    """The acceptable values of each argument."""
    return listed


def call(tool: str, arguments: Mapping[str, Any] | str) -> Call:
    """Arguments that are text stay as they are."""
    return tool, arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def one(
    rule: str,
    why: str,
    tool: str,
    options: Options,
    arguments: Mapping[str, Any] | str,
    bfcl: str,
    strict: str,
    text: str = "",
) -> Case:
    """One expected call and one that came."""
    return Case(rule, why, [{tool: options}], [call(tool, arguments)], bfcl, strict, text)
