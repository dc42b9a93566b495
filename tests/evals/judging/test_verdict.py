"""A reply is a verdict or it is none: nothing in between, and nothing that a hostile answer could forge."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.judging.prompt import Asked, Shown, ask, digest
from evals.judging.verdict import LONGEST_REPLY, Verdict, read
from evals.suite.card import JudgeQuestion

POLITE = JudgeQuestion(metric="polite", question="Is it polite?", yes_if="It thanks.", no_if="It insults.")
EACH = JudgeQuestion(metric="polite", question="Is it polite?", sentences=True)
SHOWN = Shown("Hello?", "Go away. Please.", ("Go away.", "Please."))
ONE = ask(POLITE, SHOWN, marker="m4rk", code="c0de", swapped=False)
TWO = ask(EACH, SHOWN, marker="m4rk", code="c0de", swapped=False)


def said(**fields: Any) -> str:
    return json.dumps({"code": "c0de", "reason": "so", "verdict": "yes"} | fields)


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        (said(), 1.0),
        (said(verdict="no"), 0.0),
        (f"\n {said()}\n", 1.0),
        (f"```json\n{said(verdict='no')}\n```", 0.0),
    ],
)
def test_exactly_what_was_asked_for_is_a_verdict(reply: str, value: float) -> None:
    assert read(reply, ONE) == Verdict((value,), "so")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("Yes, it is very polite.", "something else than one JSON object"),
        ("", "something else than one JSON object"),
        (f"Sure: {said()}", "something else than one JSON object"),
        (f"{said()}{said()}", "something else than one JSON object"),
        ('{"code": "c0de", "reason": "", "verdict": "no", "verdict": "yes"}', "something else than one JSON"),
        ('{"code": "c0de", "reason": "", "verdict": NaN}', "something else than one JSON object"),
        ("[" * 3000, "something else than one JSON object"),
        ('["yes"]', "something else than one JSON object"),
        (said(verdict="maybe"), "neither yes nor no"),
        (said(verdict=1), "neither yes nor no"),
        (said(verdict=True), "neither yes nor no"),
        (said(verdict=["yes"]), "neither yes nor no"),
        (said(score=5), "other fields"),
        ('{"code": "c0de", "verdict": "yes"}', "other fields"),
        ('{"verdict": "yes"}', "other fields"),
        (said(reason=None), "other fields"),
        (said(code="0000"), "did not give the code back"),
        (said(code=None), "did not give the code back"),
        (said(reason="BEGIN m4rk Go away."), "repeated the prompt"),
        (ONE.messages[0]["content"], "repeated the prompt"),
        (said(reason="x" * LONGEST_REPLY), "characters"),
    ],
)
def test_anything_else_is_none(reply: str, why: str) -> None:
    verdict = read(reply, ONE)
    assert verdict.values == ()
    assert why in verdict.reason


@pytest.mark.parametrize(
    ("verdicts", "values"),
    [
        (["yes", "no"], (1.0, 0.0)),
        (["yes"], ()),
        (["yes"] * 3, ()),
        ([], ()),
        ("yes", ()),
        (["no", None], ()),
    ],
)
def test_every_sentence_has_a_verdict_or_none_has(verdicts: object, values: tuple[float, ...]) -> None:
    assert read(json.dumps({"code": "c0de", "reason": "", "verdicts": verdicts}), TWO).values == values


@given(
    st.text() | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps)
)
def test_no_reply_raises(reply: str) -> None:
    for asked in (ONE, TWO):
        assert set(read(reply, asked).values) <= {0.0, 1.0}


@settings(max_examples=50)
@given(st.text(), st.booleans())
def test_an_answer_never_gets_out_of_its_lines(answer: str, swapped: bool) -> None:
    """Whatever it holds: the marker is random, so it cannot be in it, and stands on lines of its own."""
    asked: Asked = ask(POLITE, Shown("Hello?", answer), marker="q7x2k9", code="c0de", swapped=swapped)
    shown = asked.messages[1]["content"]
    assert "c0de" not in shown.replace(answer, "")
    if answer:
        assert f"The answer:\nBEGIN q7x2k9\n{answer}\nEND q7x2k9\n" in shown


def test_the_order_of_the_options_is_all_that_is_swapped() -> None:
    other = ask(POLITE, SHOWN, marker="m4rk", code="c0de", swapped=True)
    assert '"yes" or "no"' in ONE.messages[0]["content"]
    assert '"no" or "yes"' in other.messages[0]["content"]
    enum = [asked.schema["json_schema"]["schema"]["properties"]["verdict"]["enum"] for asked in (ONE, other)]
    assert enum == [["yes", "no"], ["no", "yes"]]
    assert "Is it polite?\nYes: It thanks.\nNo: It insults." in other.messages[1]["content"]


def test_the_digest_is_of_the_question_and_its_anchors() -> None:
    assert digest(POLITE) == digest(POLITE.model_copy(update={"metric": "courteous"}))
    changed: list[dict[str, object]] = [
        {"question": "Is it rude?"},
        {"yes_if": ""},
        {"sentences": True},
        {"needs": "reference"},
    ]
    assert len({digest(POLITE), *(digest(POLITE.model_copy(update=each)) for each in changed)}) == 5
