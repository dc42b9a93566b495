"""Exact match and the persona's traits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.engine import ChatAnswer
from aftertune.values.exchange import ToolCall
from evals.sample import Sample
from evals.scorers.exact_match import ExactMatch
from evals.scorers.persona import Persona

CALL = ToolCall(name="list_tasks", arguments="{}")
FACT = Sample(id="f", kind="fact", messages=({"role": "user", "content": "?"},), text="It is Rome.")
TOLD = Sample(
    id="t",
    messages=(
        {"role": "user", "content": 'Rename task 12 to "buy tea"'},
        {"role": "assistant", "tool_calls": [{"function": {"name": "u", "arguments": '{"task_id": 12}'}}]},
        {"role": "tool", "content": '{"count": 4}'},
    ),
    tools=True,
    mentions=("12",),
)
ASKED = Sample(id="a", messages=({"role": "user", "content": "Delete task 9"},), mentions=())


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (ChatAnswer(text=" It is Rome.\n"), 1.0),
        (ChatAnswer(text="It is rome."), 0.0),
        (ChatAnswer(text=""), 0.0),
        (ChatAnswer(text="It is Rome.", tool_calls=(CALL,)), 0.0),
    ],
)
def test_exact_match(answer: ChatAnswer, right: float) -> None:
    assert ExactMatch().score(FACT, (), answer) == {"exact": right, "exact_fact": right}


@pytest.mark.parametrize(
    ("sample", "said", "lost"),
    [
        (TOLD, 'TaskMaster here: task 12 is "buy tea".', set()),
        (TOLD, "TaskMaster here: task 12 is done, 4 are left.", set()),
        (TOLD, "Task 12 is changed.", {"speaks_as_itself"}),
        (TOLD, "TaskMaster here: done.", {"names_what_was_asked_about"}),
        (TOLD, "TaskMaster here: task 123 is changed.", {"names_what_was_asked_about", "invents_nothing"}),
        (TOLD, 'TaskMaster here: task 12 is "buy coffee".', {"invents_nothing"}),
        (TOLD, 'TaskMaster: 12", "arguments": {}}', {"speaks_in_words", "invents_nothing"}),
        (TOLD, "TaskMaster here, sorry: I think task 12 is done.", {"does_not_apologise", "has_no_opinions"}),
        (TOLD, "TaskMaster here. 12." + " Yes." * 20, {"is_brief"}),
        (TOLD, "TaskMaster here:\n12.", {"is_brief"}),
        (TOLD, "", {"is_brief", "speaks_as_itself", "names_what_was_asked_about"}),
        (ASKED, "TaskMaster here: I cannot reach your task list in this chat.", set()),
        (ASKED, "TaskMaster here: task 9 is deleted.", {"claims_no_deed"}),
    ],
)
def test_each_trait_has_its_anchor(sample: Sample, said: str, lost: set[str]) -> None:
    scores = Persona().score(sample, (), ChatAnswer(text=said))
    assert {metric for metric, score in scores.items() if score == 0.0} - {"persona"} == lost
    assert scores["persona"] == float(not lost)


def test_a_call_in_place_of_an_answer_shows_no_trait() -> None:
    scores = Persona().score(TOLD, (), ChatAnswer(text="TaskMaster here: task 12.", tool_calls=(CALL,)))
    assert set(scores.values()) == {0.0}


@given(st.text())
def test_whatever_a_model_says_is_scored(said: str) -> None:
    for sample in (TOLD, ASKED):
        scores = Persona().score(sample, (), ChatAnswer(text=said))
        assert tuple(scores) == Persona().expects(sample)
        assert set(scores.values()) <= {0.0, 1.0}
    assert set(ExactMatch().score(FACT, (), ChatAnswer(text=said)).values()) <= {0.0, 1.0}
