"""`python -m tests.evals.tool_calls.construct`: writes the conformance cases, stated by hand, into cases.jsonl."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.evals.tool_calls.rules import (
    containers,
    form,
    need,
    numbers,
    raw,
    schema,
    several,
    strings,
    values,
)
from tests.evals.tool_calls.rules.case import Case

FILE = Path(__file__).parent / "cases.jsonl"
RULES = (strings, numbers, values, containers, form, schema, several, need, raw)


def cases() -> Iterator[Case]:
    for rules in RULES:
        yield from rules.cases()


def lines() -> str:
    """The file: every case has its rule and its number within the rule."""
    seen: Counter[str] = Counter()
    written = []
    for case in cases():
        seen[case.rule] += 1
        written.append(case.line(seen[case.rule]))
    return "".join(written)


if __name__ == "__main__":
    FILE.write_text(lines(), encoding="utf-8")
