"""The label, and the risk, that an answer states: the extractor of every label scorer, with a version of its own.

An answer states a label in one of three ways: as a JSON object with the key `label`, alone, fenced or among words; as
`label: …` on a line or before a comma; or as nothing but the label. Two different labels are none.
"""

import json
import re
from collections.abc import Iterator
from math import isfinite
from typing import Any, NamedTuple

EXTRACTOR = "label-or-json 1"

LONGEST = 20_000
"""Characters looked at: a label that comes later than that is no answer to the question."""

_FIELD = re.compile(r"""(?im)(?:^|[,;])[ \t*_"'`-]*(label|risk)[ \t*_"'`]*[:=][ \t*_"'`]*([^\n,;{}"'`*]+)""")
_OBJECT = re.compile(r"\{[^{}]*\}")
_PERCENT = re.compile(r"^([0-9]+(?:\.[0-9]+)?)\s*%$")
_NUMBER = re.compile(r"^(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$")


class Verdict(NamedTuple):
    """`label` is folded; None where the answer states none. `risk` lies in [0, 1]; None where none is stated."""

    label: str | None
    risk: float | None


def folded(label: str) -> str:
    """Case, blanks at the ends and between words, and a full stop make no other label; nor do - and _ for blanks."""
    return re.sub(r"[\s_-]+", " ", label).strip().rstrip(".!").strip().casefold()


def verdict(text: str) -> Verdict:
    """Nothing in a text raises."""
    text = text[:LONGEST]
    found = list(_objects(text)) or list(_lines(text))
    labels = {each.label for each in found if each.label}
    if not found and "\n" not in text.strip() and len(text) <= 100:
        return Verdict(folded(text) or None, None)
    risks = {each.risk for each in found if each.risk is not None}
    return Verdict(labels.pop() if len(labels) == 1 else None, risks.pop() if len(risks) == 1 else None)


def _objects(text: str) -> Iterator[Verdict]:
    for each in _OBJECT.findall(text):
        try:
            pairs = json.loads(each, object_pairs_hook=list)
        except (ValueError, RecursionError):
            continue
        for name, value in pairs:
            if name == "label":
                yield Verdict(folded(value) or None if isinstance(value, str) else None, None)
            elif name == "risk":
                yield Verdict(None, _risk(value))


def _lines(text: str) -> Iterator[Verdict]:
    for name, value in _FIELD.findall(text):
        if name.lower() == "label":
            yield Verdict(folded(value) or None, None)
        else:
            yield Verdict(None, _risk(value))


def _risk(value: Any) -> float | None:
    """A number from 0 to 1, or from 0 to 100 with a per cent sign."""
    if isinstance(value, str):
        value = value.strip().rstrip(".")
        if percent := _PERCENT.match(value):
            value = float(percent[1]) / 100
        elif _NUMBER.match(value):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 and isfinite(value) else None
