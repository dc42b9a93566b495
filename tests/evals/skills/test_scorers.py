"""Numbers, stated answers, instructions and the one verdict of all skills."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.evaluation import Answer
from aftertune.values.exchange import ToolCall
from evals.scorers.final_number import final_number
from evals.scorers.instructions import instructions
from evals.scorers.scorer import Given, Scorer, Scores
from evals.scorers.skills import RIGHT, skills
from evals.scorers.stated_answer import stated_answer
from evals.suite.choices import presented
from evals.suite.sample import Sample
from evals.suite.suite import SUITES, load_suite


def scored(scorer: Scorer, scoring: dict[str, Any], said: str) -> Scores:
    sample = Sample.model_validate(
        {"id": "s", "messages": [{"role": "user", "content": "?"}], "scoring": scoring}
    )
    return scorer.score(sample, Given((Answer(text=said),)))


@pytest.mark.parametrize(
    ("said", "last", "stated"),
    [
        ("12 + 30 = 42", 1, 0),
        ("The answer is 42.", 1, 1),
        ("#### 42", 1, 1),
        (r"So \boxed{42}", 1, 1),
        ("The answer is: 42", 1, 1),
        ("The answer is **\\boxed{ 42}**", 1, 1),
        ("Answer: **42** euros, as 7 of 9 know", 0, 1),
        ("42.0", 1, 0),
        ("It is $1,042 less 1,000, hence 42", 1, 0),
        ("the answer is 43", 0, 0),
        ("-42", 0, 0),
        ("forty-two", 0, 0),
        ("", 0, 0),
    ],
)
def test_a_final_number(said: str, last: float, stated: float) -> None:
    scoring = {"kind": "final_number", "answers": ["42"]}
    assert scored(final_number, scoring, said) == {"last_number": last, "stated_number": stated}


def test_thousands_and_fractions_are_numbers() -> None:
    assert (
        scored(final_number, {"kind": "final_number", "answers": ["1234.5"]}, "1,234.50")["last_number"]
        == 1.0
    )


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("(B)", 1),
        ("b", 1),
        ("Let us see. So the answer is (B).", 1),
        ("The answer is A. Wait: the answer is B", 1),
        ("The answer is (A)", 0),
        ("B or not", 0),
        ("", 0),
    ],
)
def test_a_stated_answer(said: str, right: float) -> None:
    assert scored(stated_answer, {"kind": "exact_match", "answers": ["(B)"]}, said) == {"stated": right}


def test_instructions_count_by_prompt_and_by_instruction() -> None:
    scoring = {
        "kind": "verifiable_instructions",
        "instructions": [{"id": "punctuation:no_comma"}, {"id": "change_case:english_lowercase"}],
    }
    found = scored(instructions, scoring, "Well:\nno capitals here.")
    assert (found["prompt_strict"], found["instruction_strict"]) == (0.0, (1.0, 2.0))
    assert (found["prompt_loose"], found["instruction_loose"]) == (1.0, (2.0, 2.0))


@pytest.mark.parametrize(
    ("instruction", "said"),
    [
        ({"id": "punctuation:no_colon"}, "unknown instruction"),
        ({"id": "length_constraints:number_words", "kwargs": {}}, "needs num_words"),
        ({"id": "length_constraints:number_words", "kwargs": {"num_words": "few"}}, "cannot be checked"),
        (
            {"id": "length_constraints:number_words", "kwargs": {"num_words": 3, "relation": "more than"}},
            "unknown relation 'more than'; known: less than, at least",
        ),
    ],
)
def test_what_cannot_be_checked_is_refused_when_it_is_read(instruction: dict[str, Any], said: str) -> None:
    scoring = {"kind": "verifiable_instructions", "instructions": [instruction]}
    with pytest.raises(ValueError, match=said):
        scored(instructions, scoring, "")


def right_answer(sample: Sample) -> Answer:
    scoring = sample.scoring
    if scoring.kind in ("multiple_choice", "continuation_choice", "open_or_choice"):
        return Answer(text=presented(sample).letter)
    if scoring.kind == "final_number":
        return Answer(text=f"The answer is {scoring.answers[0]}.")
    if scoring.kind == "tool_calls":
        import json

        calls = [
            ToolCall(name=tool, arguments=json.dumps({name: values[0] for name, values in options.items()}))
            for call in scoring.ground_truth
            for tool, options in call.items()
        ]
        return Answer(tool_calls=tuple(calls))
    return Answer(text="")


def test_the_suite_of_skills_can_be_answered_right_and_wrong() -> None:
    suite = load_suite(SUITES / "skills")
    for sample in suite.samples:
        if sample.scoring.kind != "verifiable_instructions":
            given = Given((right_answer(sample),), tools=suite.tools_for(sample))
            assert skills.score(sample, given) == {RIGHT: 1.0}, sample.id
        assert skills.score(sample, Given((Answer(text="?"),))) in ({RIGHT: 0.0}, {RIGHT: 1.0})
    wrong = [skills.score(sample, Given((Answer(text="?"),)))[RIGHT] for sample in suite.samples]
    assert sum(value == 1.0 for value in wrong) / len(wrong) < 0.15


@given(st.sampled_from(load_suite(SUITES / "skills").samples[::37]), st.text(max_size=120))
def test_nothing_in_an_answer_raises(sample: Sample, said: str) -> None:
    assert skills.score(sample, Given((Answer(text=said),)))[RIGHT] in (0.0, 1.0)
