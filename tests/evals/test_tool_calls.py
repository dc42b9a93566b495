"""The strict scorer: known answers where lenient checkers err, and nothing that a model says makes it raise."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.engine import ChatAnswer
from aftertune.values.exchange import ToolCall
from evals.sample import Sample
from evals.scorers.tool_calls import StrictToolCalls

TOOLS: list[dict[str, Any]] = [
    {
        "function": {
            "name": "create_task",
            "parameters": {
                "type": "object",
                "properties": {
                    "title": {"type": "string"},
                    "priority": {"enum": ["low", "high"]},
                    "hours": {"type": "number"},
                    "urgent": {"type": "boolean"},
                    "tags": {"type": "array"},
                    "place": {"type": "object"},
                },
                "additionalProperties": False,
            },
        }
    },
    {"function": {"name": "delete_task", "parameters": {"properties": {"task_id": {"type": "integer"}}}}},
]
SCORER = StrictToolCalls()
RIGHT = {"json": 1.0, "tool": 1.0, "arguments": 1.0, "end_to_end": 1.0}
WRONG_ARGUMENTS = RIGHT | {"arguments": 0.0, "end_to_end": 0.0}
WRONG_TOOL = {"json": 1.0, "tool": 0.0, "end_to_end": 0.0}
MALFORMED = {"json": 0.0, "end_to_end": 0.0}


def sample(*calls: dict[str, dict[str, list[Any]]]) -> Sample:
    return Sample(id="s", messages=({"role": "user", "content": "please"},), tools=True, calls=calls)


def score(expected: Sample, *calls: tuple[str, str], text: str = "") -> dict[str, float]:
    answer = ChatAnswer(text=text, tool_calls=tuple(ToolCall(name=n, arguments=a) for n, a in calls))
    return SCORER.score(expected, TOOLS, answer)


def created(options: dict[str, list[Any]], arguments: str) -> dict[str, float]:
    return score(sample({"create_task": options}), ("create_task", arguments))


@pytest.mark.parametrize(
    ("options", "arguments", "expected"),
    [
        ({"title": ["TX-1.5"]}, '{"title": "TX-1.5"}', RIGHT),
        ({"title": ["TX-1.5"]}, '{"title": "TX-15"}', WRONG_ARGUMENTS),
        ({"title": ["Call Bo"]}, '{"title": "call bo"}', WRONG_ARGUMENTS),
        ({"title": ["a", "b"]}, '{"title": "b"}', RIGHT),
        ({"title": ["a"], "priority": ["high", ""]}, '{"title": "a"}', RIGHT),
        ({"title": ["a"], "priority": ["high"]}, '{"title": "a"}', WRONG_ARGUMENTS),
        ({"title": ["a"]}, '{"title": "a", "priority": "low"}', WRONG_ARGUMENTS),
        ({"priority": ["soon"]}, '{"priority": "soon"}', WRONG_ARGUMENTS),
        ({"hours": [5]}, '{"hours": 5.0}', RIGHT),
        ({"hours": [20]}, '{"hours": 2e1}', RIGHT),
        ({"hours": [3.14]}, '{"hours": "3.14"}', WRONG_ARGUMENTS),
        ({"hours": [1]}, '{"hours": true}', WRONG_ARGUMENTS),
        ({"urgent": [True]}, '{"urgent": true}', RIGHT),
        ({"urgent": [True]}, '{"urgent": 1}', WRONG_ARGUMENTS),
        ({"tags": [[]]}, '{"tags": []}', RIGHT),
        ({"tags": [["x"], ""]}, '{"tags": []}', WRONG_ARGUMENTS),
        ({"tags": [[1.0, 2]]}, '{"tags": [1, 2.0]}', RIGHT),
        ({"place": [{"city": ["Rome", "Roma"], "room": [7, ""]}]}, '{"place": {"city": "Roma"}}', RIGHT),
        ({"place": [{"city": ["Rome"]}]}, '{"place": {"city": "Rome", "x": 1}}', WRONG_ARGUMENTS),
        ({"title": ["a"]}, '{"title": null}', WRONG_ARGUMENTS),
        ({"title": ["a"]}, '{"title": "x", "title": "a"}', MALFORMED),
        ({"title": ["a"]}, '{"title": "a"', MALFORMED),
        ({"title": ["a"]}, '["a"]', MALFORMED),
        ({"hours": [1]}, '{"hours": NaN}', MALFORMED),
        ({"title": ["a"]}, "[" * 100_000, MALFORMED),
    ],
)
def test_arguments(options: dict[str, list[Any]], arguments: str, expected: dict[str, float]) -> None:
    assert created(options, arguments) == expected


def test_the_wrong_tool_one_too_many_and_one_too_few() -> None:
    wanted = sample({"delete_task": {"task_id": [7]}})
    call = ("delete_task", '{"task_id": 7}')
    assert score(wanted, call) == RIGHT
    assert score(wanted, ("create_task", '{"title": "7"}')) == WRONG_TOOL
    assert score(wanted, call, call) == WRONG_TOOL
    assert score(wanted) == MALFORMED
    assert score(wanted, call, text="<tool_call>{") == MALFORMED


def test_parallel_calls_are_matched_in_any_order_and_not_greedily() -> None:
    """The first call fits both expectations, the second only one: a first fit would fail."""
    wanted = sample({"delete_task": {"task_id": [1, 2]}}, {"delete_task": {"task_id": [1]}})
    one, two = ("delete_task", '{"task_id": 1}'), ("delete_task", '{"task_id": 2}')
    assert score(wanted, one, two) == score(wanted, two, one) == RIGHT
    assert score(wanted, two, two) == WRONG_ARGUMENTS


def test_abstention_is_a_number_of_its_own() -> None:
    needs_none = sample()
    assert score(needs_none, text="Rome.") == {"abstention": 1.0}
    assert score(needs_none, ("create_task", "{}")) == {"abstention": 0.0}
    assert score(needs_none, ("create_task", '{"title": ')) == {"abstention": 0.0}, "broken, but attempted"
    assert score(needs_none, text='<tool_call>{"name"') == {"abstention": 0.0}
    assert score(needs_none, text=" \n") == {"abstention": 0.0}, "silence is no answer"


ARGUMENTS = st.one_of(
    st.text(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["title", "hours", "x"]), inner),
    ).map(json.dumps),
)


@given(
    st.lists(st.tuples(st.sampled_from(["create_task", "delete_task", "sudo"]), ARGUMENTS), max_size=4),
    st.text(),
    st.sampled_from(
        [
            sample(),
            sample({"create_task": {"title": ["a"], "hours": [1, ""]}}),
            sample({"sudo": {"title": [{"x": [[1]]}]}}, {"delete_task": {"task_id": [1]}}),
        ]
    ),
)
def test_whatever_a_model_says_is_scored(calls: list[tuple[str, str]], text: str, wanted: Sample) -> None:
    scores = score(wanted, *calls, text=text)
    assert set(SCORER.expects(wanted)) <= set(scores) <= set(SCORER.metrics([wanted]))
    assert set(scores.values()) <= {0.0, 1.0}
    if wanted.calls:
        assert (
            scores["end_to_end"] == scores.get("arguments", 0.0) <= scores.get("tool", 0.0) <= scores["json"]
        )
