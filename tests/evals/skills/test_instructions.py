"""Each instruction with answers that follow it and answers that do not; strict and loose readings; hostile answers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.instructions import ARGUMENTS, CHECKS, is_followed, is_followed_loosely
from evals.instructions.length import sentences

CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("keywords:existence", {"keywords": ["alpha", "Beta"]}, "Alpha and beta.", "Only alpha."),
    ("keywords:forbidden_words", {"forbidden_words": ["free"]}, "Freedom is costly.", "It is Free."),
    ("keywords:frequency", {"keyword": "la", "frequency": 2, "relation": "at least"}, "la la", "la"),
    ("keywords:frequency", {"keyword": "la", "frequency": 2, "relation": "less than"}, "la", "la la"),
    ("keywords:letter_frequency", {"letter": "w", "let_frequency": 2, "let_relation": "less than"}, "wide", "willow"),
    ("length_constraints:number_words", {"num_words": 3, "relation": "at least"}, "one two three", "one two"),
    ("length_constraints:number_words", {"num_words": 3, "relation": "less than"}, "one two", "one two three"),
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "at least"}, "One. Two!", "Only Mr. Smith."),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n***\nb", "a\n\nb"),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 3}, "a\n***\nb\n ***\nc\n***", "a\n***\n\n***\nb\n***\nc"),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Then"},
        "First this.\n\n“then” that.",
        "Then this.\n\nNow that.",
    ),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* a\n- b", "* a\n- b\n* c"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "** bold\n* a", "** bold"),
    ("detectable_format:constrained_response", {}, "Well. My answer is no.", "No."),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*a* and **b**", "*a* and ** **"),
    ("detectable_format:multiple_sections", {"section_spliter": "Day", "num_sections": 2}, "Day 1 x Day 2 y", "Day 1 x"),
    ("detectable_format:json_format", {}, '```json\n{"a": [1]}\n```', "{'a': 1}"),
    ("detectable_format:title", {}, "<<On rain>>\nIt rains.", "<< >>\nIt rains."),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[name] at [place]", "[name]"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Bye.\nP. S. Write soon.", "Bye."),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "Bye.\nP.P.S. Again.", "Bye.\nP.S. Once."),
    ("punctuation:no_comma", {}, "One and two.", "One, two."),
    ("startend:end_checker", {"end_phrase": "That is all."}, 'Yes. "THAT is all."', "That is all. Bye."),
    ("startend:quotation", {}, ' "So it is." ', '"So" it is.'),
    ("combination:two_responses", {}, "One.\n******\nTwo.", "One.\n******\nOne."),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say it."}, "say it. Fine.", "Fine. Say it."),
    ("change_case:english_capital", {}, "ALL OF IT.", "Most OF IT."),
    ("change_case:english_lowercase", {}, "all of it.", "all Of it."),
    ("change_case:capital_word_frequency", {"capital_frequency": 2, "capital_relation": "at least"}, "AN OAK tree", "An OAK tree"),
    ("language:response_language", {"language": "de"}, "Der Zug kommt heute leider etwas später an.", "The train is late today."),
]  # fmt: skip


@pytest.mark.parametrize(("instruction", "arguments", "follows", "does_not"), CASES)
def test_an_instruction(instruction: str, arguments: dict[str, Any], follows: str, does_not: str) -> None:
    assert is_followed(instruction, arguments, follows)
    assert not is_followed(instruction, arguments, does_not)
    assert not is_followed(instruction, arguments, " \n"), "a blank answer follows nothing"


def test_every_instruction_has_a_case() -> None:
    assert {instruction for instruction, *_ in CASES} == set(CHECKS)
    assert len(CHECKS) == 25
    assert set(ARGUMENTS) <= set(CHECKS)


@pytest.mark.parametrize(
    "answer",
    [
        "Sure, here you are:\nall small letters.",
        "all small letters.\nI Hope That Helps",
        "*all small letters*",
    ],
)
def test_loosely_a_line_around_and_asterisks_are_forgiven(answer: str) -> None:
    arguments = {"end_phrase": "all small letters."} if "Hope" not in answer else {"end_phrase": "letters."}
    looser = is_followed_loosely("change_case:english_lowercase", {}, answer)
    assert looser
    assert is_followed_loosely("startend:end_checker", arguments, answer) or "*" in answer


@given(st.sampled_from(CASES), st.text(max_size=300))
def test_nothing_in_an_answer_raises_and_strict_implies_loose(
    case: tuple[str, dict[str, Any], str, str], answer: str
) -> None:
    instruction, arguments, _, _ = case
    strict = is_followed(instruction, arguments, answer)
    assert not strict or is_followed_loosely(instruction, arguments, answer)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two? Three!", 3),
        ("Dr. Smith met Mrs. Jones at 5 p.m. sharp.", 1),
        ("It costs 3.50 euros. Really?", 2),
        ("A heading\nA line. Another…", 3),
        ("He said “Stop!” Then he left.", 2),
        ("これは文です。もう一つ。", 2),
        ("...", 0),
    ],
)
def test_sentences(text: str, count: int) -> None:
    assert len(sentences(text)) == count
