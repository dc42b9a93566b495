"""Choices are shown in an order that only the sample decides, and read from answers as they come."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.evaluation import Answer
from evals.scorers.choice import choice
from evals.scorers.scorer import Given
from evals.suite.choices import Presented, chosen, instruction, presented
from evals.suite.sample import Sample

SHOWN = Presented(("Oslo", "Bergen", "Tromsø", "Riga"), "A")


def sample(name: str, kind: str = "multiple_choice", n: int = 4) -> Sample:
    choices = [f"choice {number}" for number in range(n)]
    scoring = (
        {"kind": kind, "answers": [choices[0]], "incorrect": choices[1:]}
        if kind == "open_or_choice"
        else {"kind": kind, "choices": choices, "answer_index": 0}
    )
    return Sample.model_validate(
        {"id": name, "messages": [{"role": "user", "content": "Which?"}], "scoring": scoring}
    )


@pytest.mark.parametrize("kind", ["multiple_choice", "continuation_choice", "open_or_choice"])
def test_the_right_letter_belongs_to_the_right_choice_and_stands_anywhere(kind: str) -> None:
    letters = Counter[str]()
    for number in range(400):
        shown = presented(sample(f"s-{number}", kind))
        assert shown.choices["ABCD".index(shown.letter)] == "choice 0"
        assert sorted(shown.choices) == [f"choice {n}" for n in range(4)]
        letters[shown.letter] += 1
    assert min(letters.values()) > 60, "each of four letters about a hundred times"


def test_the_question_lists_them() -> None:
    asked = instruction(sample("s"))
    assert [f"{letter}) choice" in asked for letter in "ABCDE"] == [True, True, True, True, False]


@pytest.mark.parametrize(
    ("said", "letter"),
    [
        ("A", "A"),
        ("(B)", "B"),
        ("C) Tromsø", "C"),
        ("**D**", "D"),
        ("The answer is B.", "B"),
        ("Answer: (C)", "C"),
        ("I think it is Bergen.", "B"),
        ("oslo", "A"),
        ("A city in Norway is meant, so the answer is C.", "C"),
        ("A city in the north", ""),
        ("Oslo or Bergen", ""),
        ("The answer is A. No, the answer is B.", ""),
        ("E", ""),
        ("none of them", ""),
        ("", ""),
        ("The answer is E", ""),
    ],
)
def test_what_is_chosen(said: str, letter: str) -> None:
    assert chosen(SHOWN, said) == letter


@given(st.text(max_size=200))
def test_nothing_in_an_answer_raises_and_unread_is_not_right(said: str) -> None:
    asked = sample("s")
    scores = choice.score(asked, Given((Answer(text=said),)))
    assert set(scores) == {"choice", "choice_read"}
    assert scores["choice"] == 0.0 or scores["choice_read"] == 1.0
