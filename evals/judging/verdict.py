"""What a judge's reply says: pure. A reply that is not exactly what was asked for is no verdict, with the reason."""

import json
import re
from typing import Any, NamedTuple

from evals.judging.prompt import NO, YES, Asked

LONGEST_REPLY = 4_000
"""Characters of a reply that are kept and read; a longer one is no verdict."""

_FENCED = re.compile(r"```(?:json)?\n(.*)\n```", re.DOTALL)
_VALUES = {YES: 1.0, NO: 0.0}


class Verdict(NamedTuple):
    """A value for each sentence, or one for the whole answer; none, and then `reason` says why."""

    values: tuple[float, ...]
    reason: str


def read(reply: str, asked: Asked) -> Verdict:
    """Never raises."""
    if len(reply) > LONGEST_REPLY:
        return _none(f"the judge replied with {len(reply)} characters")
    if asked.marker in reply:
        return _none("the judge repeated the prompt")
    body = _body(reply)
    return (
        _none("the judge replied with something else than one JSON object")
        if body is None
        else _said(body, asked)
    )


def _said(body: dict[str, Any], asked: Asked) -> Verdict:
    name = "verdict" if asked.sentences is None else "verdicts"
    if set(body) != {"code", "reason", name} or not isinstance(body["reason"], str):
        return _none("the judge's JSON has other fields than those asked for")
    if body["code"] != asked.code:
        return _none("the judge did not give the code back: it followed something else than its instructions")
    said = [body[name]] if asked.sentences is None else body[name]
    if not isinstance(said, list) or len(said) != (asked.sentences or 1):
        return _none(f"the judge did not give {asked.sentences} verdicts")
    if not all(isinstance(each, str) and each in _VALUES for each in said):
        return _none("the judge's verdict is neither yes nor no")
    return Verdict(tuple(_VALUES[each] for each in said), body["reason"])


def _none(reason: str) -> Verdict:
    return Verdict((), reason)


def _body(reply: str) -> dict[str, Any] | None:
    text = reply.strip()
    fenced = _FENCED.fullmatch(text)
    try:
        found = json.loads(fenced[1] if fenced else text, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two verdicts under one name are none."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
