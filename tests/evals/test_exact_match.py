"""Exact match: the text, word for word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.evaluation import Answer
from aftertune.values.exchange import ToolCall
from evals.scorers.exact_match import exact_match
from evals.scorers.scorer import Given
from evals.suite.sample import Sample
from evals.suite.scoring import ExactMatch

CALL = ToolCall(name="list_tasks", arguments="{}")
FACT = Sample(
    id="f",
    messages=({"role": "user", "content": "?"},),
    scoring=ExactMatch(kind="exact_match", answers=("It is Rome.", "Rome")),
)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (Answer(text=" It is Rome.\n"), 1.0),
        (Answer(text="Rome"), 1.0),
        (Answer(text="It is rome."), 0.0),
        (Answer(text=""), 0.0),
        (Answer(text="It is Rome.", tool_calls=(CALL,)), 0.0),
    ],
)
def test_exact_match(answer: Answer, right: float) -> None:
    assert exact_match.score(FACT, Given((answer,))) == {"exact": right}


@given(st.text())
def test_nothing_that_is_said_raises(said: str) -> None:
    assert set(exact_match.score(FACT, Given((Answer(text=said),))).values()) <= {0.0, 1.0}


def test_blanks_at_the_ends_of_the_right_text_do_not_matter_either() -> None:
    sample = Sample.model_validate({"id": "s", "scoring": {"kind": "exact_match", "answers": ["yes "]}})
    assert exact_match.score(sample, Given((Answer(text=" yes"),))) == {"exact": 1.0}
