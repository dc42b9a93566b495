"""Both readings on every labelled case, and the set itself: enough cases, each once, as they are stated."""

from collections import Counter

import pytest

from evals.scorers.scorer import Given
from evals.scorers.tool_calls import tool_calls_bfcl, tool_calls_strict
from evals.scorers.tool_calls.verdict import scores
from tests.evals.tool_calls.conformance import TOOLS, labelled
from tests.evals.tool_calls.construct import FILE, lines

CASES = labelled()
RULES = sorted({case.rule for case in CASES})


@pytest.mark.parametrize("rule", RULES)
def test_both_readings_say_what_is_right(rule: str) -> None:
    wrong = {
        f"{case.sample.id}: {case.why}": case.verdicts()
        for case in CASES
        if case.rule == rule and case.verdicts() != (case.bfcl, case.strict)
    }
    assert wrong == {}


def test_the_scorers_say_so_in_their_metrics() -> None:
    for case in CASES:
        given = Given((case.answer,), tools=TOOLS)
        raw = "raw_" if case.answer.raw is not None else ""
        for scorer, prefix, right in (
            (tool_calls_strict, "", case.strict),
            (tool_calls_bfcl, "bfcl_", case.bfcl),
        ):
            found = scorer.score(case.sample, given)
            for metric, score in scores(case.truth, right).items():
                assert found[f"{prefix}{raw}{metric}"] == score, (case.sample.id, case.why)


def test_there_are_enough_cases_of_each_rule() -> None:
    rules = Counter(case.rule for case in CASES)
    assert len(CASES) >= 700
    assert min(rules.values()) >= 10, rules


def test_no_case_is_there_twice() -> None:
    asked = Counter(case.truth.model_dump_json() + case.answer.model_dump_json() for case in CASES)
    assert [one for one, times in asked.items() if times > 1] == []


def test_the_file_holds_what_is_stated() -> None:
    assert FILE.read_text(encoding="utf-8") == lines(), "run python -m tests.evals.tool_calls.construct"
