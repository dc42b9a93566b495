"""The two scorers: their funnel, what raw text adds, what they refuse, and that no answer makes them raise."""

import json
from random import Random
from typing import Any

import pytest

from aftertune.errors import BadInput
from aftertune.values.evaluation import Answer, Better
from aftertune.values.exchange import ToolCall
from benchmarks.hostile_calls import hostile
from evals.scorers import SCORERS
from evals.scorers.scorer import Given, Scores
from evals.scorers.tool_calls import tool_calls_bfcl, tool_calls_strict
from evals.scorers.tool_calls.toolbox import toolbox
from evals.suite.sample import Sample
from tests.evals.tool_calls.conformance import TOOLS

FUZZED = 3_000
READINGS = (tool_calls_strict, tool_calls_bfcl)


def sample(kind: str = "tool_calls") -> Sample:
    scoring: dict[str, Any] = {"kind": kind}
    if kind == "tool_calls":
        scoring["ground_truth"] = [{"delete_note": {"note": [7]}}]
    return Sample.model_validate({"id": "s", "tools": True, "scoring": scoring})


def answer(*calls: tuple[str, str], text: str = "", raw: str | None = None) -> Answer:
    made = tuple(ToolCall(name=name, arguments=arguments) for name, arguments in calls)
    return Answer(text=text, tool_calls=made, raw=raw)


def strictly(asked: Sample, given: Answer) -> Scores:
    return tool_calls_strict.score(asked, Given((given,), tools=TOOLS))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(("delete_note", '{"note": 7}')), {"json": 1, "tool": 1, "arguments": 1, "end_to_end": 1}),
        (answer(("delete_note", '{"note": 8}')), {"json": 1, "tool": 1, "arguments": 0, "end_to_end": 0}),
        (answer(("status", "{}")), {"json": 1, "tool": 0, "end_to_end": 0}),
        (answer(("delete_note", "{")), {"json": 0, "end_to_end": 0}),
        (answer(text="Note 7 is gone."), {"json": 0, "end_to_end": 0}),
    ],
)
def test_the_funnel_ends_where_the_answer_went_wrong(given: Answer, expected: dict[str, float]) -> None:
    assert strictly(sample(), given) == expected


def test_abstention_and_relevance_are_numbers_of_their_own() -> None:
    call = answer(("delete_note", '{"note": 7}'))
    assert strictly(sample("no_tool_call"), answer(text="No.")) == {"abstention": 1}
    assert strictly(sample("no_tool_call"), call) == {"abstention": 0}
    assert strictly(sample("any_tool_call"), call) == {"relevance": 1}
    assert strictly(sample("any_tool_call"), answer(text="No.")) == {"relevance": 0}


@pytest.mark.parametrize(
    ("given", "raw", "lost"),
    [
        (answer(("delete_note", '{"note": 7}')), '{"note": 7}', 0.0),
        (answer(("delete_note", "{}")), '{"note": 7}', 1.0),
        (answer(), '{"note": 7}', 1.0),
        (answer(("delete_note", '{"note": 8}')), '{"note": 8}', 0.0),
        (answer(("delete_note", '{"note": 7}')), '{"note": 8}', 0.0),
    ],
)
def test_raw_text_tells_what_the_engine_lost(given: Answer, raw: str, lost: float) -> None:
    written = f'<tool_call>{{"name": "delete_note", "arguments": {raw}}}</tool_call>'
    found = strictly(sample(), given.model_copy(update={"raw": written}))
    assert found["parser_lost"] == lost
    assert found["raw_end_to_end"] == float(raw == '{"note": 7}')
    assert found["raw_json"] == 1.0


def test_without_raw_text_nothing_is_said_of_it() -> None:
    assert not any("raw" in metric or "lost" in metric for metric in strictly(sample(), answer()))


def test_metrics_are_declared_and_scores_have_declared_names() -> None:
    for scorer in READINGS:
        assert SCORERS[scorer.name] is scorer
        for kind in ("tool_calls", "any_tool_call", "no_tool_call"):
            asked = sample(kind)
            given = answer(("delete_note", '{"note": 7}'), raw="delete_note(note=7)")
            found = set(scorer.score(asked, Given((given,), tools=TOOLS)))
            assert {m.name for m in scorer.expects(asked)} <= found <= {m.name for m in scorer.counts(asked)}
    names = [metric.name for scorer in READINGS for metric in scorer.metrics]
    assert len(set(names)) == len(names), "both can stand on one card"
    lower = {metric.name for metric in tool_calls_strict.metrics if metric.better is Better.LOWER}
    assert lower == {"parser_lost"}


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": "flaot"},
        {"properties": {"a": {"enum": "low"}}},
        {"$ref": "http://127.0.0.1:9/schema"},
        {"$ref": "file:///etc/passwd"},
        {"properties": {"a": {"$ref": "#/nowhere"}}},
        {"pattern": "("},
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_and_nothing_is_fetched(parameters: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="'broken'"):
        toolbox([{"type": "function", "function": {"name": "broken", "parameters": parameters}}])


@pytest.mark.parametrize(
    "tool",
    [
        {},
        {"function": {}},
        {"function": None},
        "tool",
        {"name": "add"},
        {"function": {"name": "a", "parameters": [1]}},
    ],
)
def test_a_tool_that_is_none_is_refused(tool: Any) -> None:
    with pytest.raises(BadInput, match="no function with a name"):
        toolbox([tool])


def test_equal_lists_of_tools_are_compiled_once() -> None:
    assert toolbox(TOOLS) is toolbox(json.loads(json.dumps(TOOLS)))


def test_whatever_a_model_says_is_scored() -> None:
    rng = Random(2026)
    for _ in range(FUZZED):
        asked, given = hostile(rng)
        for scorer in READINGS:
            found = scorer.score(asked, Given((given,), tools=TOOLS))
            names = {metric.name for metric in scorer.expects(asked)}
            assert names <= set(found)
            assert set(found.values()) <= {0.0, 1.0}
