"""Answers that are long and all alike: reading them takes time in proportion, not its square.

With a reading that starts anew at every character these tests take hours.
"""

from typing import Any

import pytest

from aftertune.values.evaluation import Answer
from evals.instructions import CHECKS
from evals.instructions.length import sentences
from evals.scorers.choice import choice
from evals.scorers.final_number import final_number
from evals.scorers.scorer import Given
from evals.scorers.stated_answer import stated_answer
from evals.suite.choices import presented
from evals.suite.sample import Sample

LONG = 200_000
TEXTS = {
    "letters": "a" * LONG,
    "blanks": "answer is" + " " * LONG + "x",
    "stars": "answer is" + " *" * (LONG // 2) + "x",
    "lines": "x" + "\n" * LONG + "x",
    "stops": "." * LONG + "x",
    "abbreviations": "e.g. " * (LONG // 5) + "x",
    "brackets": "<<" * (LONG // 2),
    "fences": "```" + " " * LONG + "x",
    "answers": "answer " * (LONG // 7),
}
KNOWN: dict[str, dict[str, Any]] = {
    "final_number": {"kind": "final_number", "answers": ["5"]},
    "stated_answer": {"kind": "exact_match", "answers": ["5"]},
    "choice": {"kind": "multiple_choice", "choices": ["Oslo", "Riga"], "answer_index": 0},
}
INSTRUCTIONS: dict[str, dict[str, Any]] = {
    "detectable_format:number_bullet_lists": {"num_bullets": 1},
    "detectable_format:title": {},
    "detectable_format:json_format": {},
    "detectable_content:postscript": {"postscript_marker": "P.S."},
    "length_constraints:number_paragraphs": {"num_paragraphs": 3},
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_right_answer_is_not_found_where_there_is_none(text: str) -> None:
    for scorer in (final_number, stated_answer, choice):
        sample = Sample.model_validate(
            {"id": "s", "messages": [{"role": "user", "content": "?"}], "scoring": KNOWN[scorer.name]}
        )
        assert not any(scorer.score(sample, Given((Answer(text=text),))).values())


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_no_instruction_is_followed(text: str) -> None:
    assert not any(CHECKS[name](text, arguments) for name, arguments in INSTRUCTIONS.items())
    assert len(sentences(text)) <= 2


def test_an_article_is_no_letter() -> None:
    sample = Sample.model_validate({"id": "s", "scoring": KNOWN["choice"]})
    right = presented(sample).letter

    def read(said: str) -> float | tuple[float, ...] | None:
        return choice.score(sample, Given((Answer(text=said),)))["choice"]

    assert read(f"The answer is {right.lower()}.") == 1.0
    assert read("The answer is a town: Oslo") == 1.0
    assert read('"A city such as Oslo"') == 1.0
    assert read("It is Osloer, as one says") == 0.0


def test_a_postscript_is_no_part_of_a_word() -> None:
    follows = CHECKS["detectable_content:postscript"]
    assert not follows("He stops at the caps lock.", {"postscript_marker": "P.S."})
    assert follows("Bye.\np.s. Write", {"postscript_marker": "P.S."})
    assert follows("P.P.S Write", {"postscript_marker": "P.P.S"})
