"""The two readings of tool calls: right on the conformance set, fast, and unmoved by hostile answers.

    python -m benchmarks.tool_calls [--data FOLDER] > benchmarks/tool_calls.md

`--data` names a folder with bfcl_209.jsonl (rows of the Berkeley leaderboard in the public layout; none are kept here):
each row's first acceptable answer is turned into calls, which both readings should find right. Where one does not, the
row is listed with the reason: the row's own answer does not fit its own schema.
"""

import argparse
import json
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from aftertune.values.evaluation import Answer
from aftertune.values.exchange import ToolCall
from benchmarks.hostile_calls import hostile
from evals.scorers.scorer import Given, Scorer
from evals.scorers.tool_calls import tool_calls_bfcl, tool_calls_strict
from evals.scorers.tool_calls.toolbox import toolbox
from evals.suite.sample import Sample
from evals.suite.scoring import ToolCalls
from evals.suite.suite import read_samples
from tests.evals.tool_calls.conformance import TOOLS, Labelled, labelled

SEED = 2026
FUZZED = 100_000
ROUNDS = 40
PER_SECOND = 20_000
LEADERBOARD = "bfcl_209.jsonl"
READINGS: tuple[Scorer, ...] = (tool_calls_bfcl, tool_calls_strict)


class Conformance(NamedTuple):
    cases: int
    rules: Counter[str]
    wrong: dict[str, list[str]]


class Fuzzing(NamedTuple):
    outputs: int
    longest: int
    exceptions: Counter[str]


class Row(NamedTuple):
    """A row whose own answer a reading rejects."""

    reading: str
    sample: str
    reason: str


def conformance(cases: Sequence[Labelled]) -> Conformance:
    wrong: dict[str, list[str]] = {scorer.name: [] for scorer in READINGS}
    for case in cases:
        for scorer, said, right in zip(READINGS, case.verdicts(), (case.bfcl, case.strict), strict=True):
            if said is not right:
                wrong[scorer.name].append(case.sample.id)
    return Conformance(len(cases), Counter(case.rule for case in cases), wrong)


def per_second(scorer: Scorer, cases: Sequence[Labelled], rounds: int) -> float:
    """From sample and answer to all of its metrics, on one core; the median of the rounds."""
    given = [(case.sample, Given((case.answer,), tools=TOOLS)) for case in cases]
    rates = []
    for _ in range(rounds):
        started = time.process_time()
        for sample, answers in given:
            scorer.score(sample, answers)
        rates.append(len(given) / (time.process_time() - started))
    return sorted(rates)[len(rates) // 2]


def fuzz(outputs: int, seed: int) -> Fuzzing:
    rng, exceptions, longest = Random(seed), Counter[str](), 0
    for _ in range(outputs):
        sample, answer = hostile(rng)
        longest = max(longest, len(answer.said), len(answer.raw or ""))
        for scorer in READINGS:
            try:
                scorer.score(sample, Given((answer,), tools=TOOLS))
            except Exception:  # noqa: BLE001  (that there is none is what is measured)
                exceptions[traceback.format_exc(limit=-1)] += 1
    return Fuzzing(outputs, longest, exceptions)


def leaderboard(samples: Sequence[Sample]) -> tuple[int, list[Row]]:
    """How many rows expect certain calls, and those of which a reading rejects the answer they themselves give."""
    expecting = [sample for sample in samples if isinstance(sample.scoring, ToolCalls)]
    return len(expecting), [row for sample in expecting for row in _rejected(sample)]


def _rejected(sample: Sample) -> Iterator[Row]:
    assert isinstance(sample.scoring, ToolCalls)
    assert isinstance(sample.tools, tuple)
    offered = toolbox(sample.tools)
    expected = [
        (name, _first(options)) for each in sample.scoring.ground_truth for name, options in each.items()
    ]
    answer = Answer(
        tool_calls=tuple(ToolCall(name=name, arguments=json.dumps(arguments)) for name, arguments in expected)
    )
    for scorer, metric in zip(READINGS, ("bfcl_end_to_end", "end_to_end"), strict=True):
        if scorer.score(sample, Given((answer,), tools=sample.tools))[metric] != 1.0:
            forbidding = [
                "/".join(map(str, error.schema_path))
                for name, arguments in expected
                for error in offered[name].schema.iter_errors(arguments)
            ]
            reason = f"its own schema forbids it at {', '.join(forbidding)}" if forbidding else "its checker"
            yield Row(scorer.name, sample.id, reason)


def _first(options: Mapping[str, Any]) -> dict[str, Any]:
    """The first acceptable value of each argument that must be there."""
    return {name: _value(values[0]) for name, values in options.items() if "" not in values}


def _value(option: Any) -> Any:
    if isinstance(option, Mapping):
        return _first(option)
    return [_value(each) for each in option] if isinstance(option, list | tuple) else option


def page(
    found: Conformance, rates: Mapping[str, float], fuzzed: Fuzzing, rows: tuple[int, list[Row]] | None
) -> str:
    names = [scorer.name for scorer in READINGS]
    right = [str(found.cases - len(found.wrong[name])) for name in names]
    lines = [
        "# Tool calls",
        "",
        f"Written by `python -m benchmarks.tool_calls`, seed {SEED}. What the readings are: docs/tool-calls.md.",
        "",
        f"| | {' | '.join(f'`{name}`' for name in names)} |",
        f"|---|{'---|' * len(names)}",
        f"| right of {found.cases} labelled cases | {' | '.join(right)} |",
        f"| cases a second, one core | {' | '.join(f'{rates[name]:,.0f}' for name in names)} |",
        "",
        f"There are {len(found.rules)} rules with at least {min(found.rules.values())} cases each. Speed is from sample",
        "and answer to every metric, reading of arguments and schema included;",
        f"the median of {ROUNDS} rounds over the labelled cases.",
        "",
        f"Hostile answers: {fuzzed.outputs:,}, the longest of {fuzzed.longest:,} characters.",
        f"Exceptions: {sum(fuzzed.exceptions.values())}.",
    ]
    if rows is not None:
        expecting, rejected = rows
        lines += [
            "",
            f"`{LEADERBOARD}`: {expecting} rows that expect certain calls, answered by their own ground truth.",
        ]
        for scorer in READINGS:
            found_wrong = [row for row in rejected if row.reading == scorer.name]
            lines.append(f"- `{scorer.name}`: {expecting - len(found_wrong)} right.")
            lines += [f"  - {row.sample}: {row.reason}" for row in found_wrong]
    lines += ["", "| rule | cases |", "|---|---|", *(f"| {rule} | {n} |" for rule, n in found.rules.items())]
    return "\n".join(lines)


def failures(found: Conformance, rates: Mapping[str, float], fuzzed: Fuzzing) -> list[str]:
    """What was promised and is not so."""
    missed = [f"{name} is wrong on {', '.join(cases)}" for name, cases in found.wrong.items() if cases]
    missed += [f"{name}: {rate:,.0f} cases a second" for name, rate in rates.items() if rate < PER_SECOND]
    return [*missed, *fuzzed.exceptions]


def main() -> int:
    parser = argparse.ArgumentParser(description="The readings of tool calls: right, fast, unmoved.")
    parser.add_argument("--data", type=Path, help=f"folder with {LEADERBOARD}")
    parser.add_argument("--outputs", type=int, default=FUZZED)
    chosen = parser.parse_args()
    cases = labelled()
    found = conformance(cases)
    rates = {scorer.name: per_second(scorer, cases, ROUNDS) for scorer in READINGS}
    fuzzed = fuzz(chosen.outputs, SEED)
    rows = leaderboard(read_samples(chosen.data / LEADERBOARD)) if chosen.data else None
    print(page(found, rates, fuzzed, rows))
    missed = failures(found, rates, fuzzed)
    for each in missed:
        print(each, file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
