"""Words in any script, and ROUGE over them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.evaluation import Answer
from evals.scorers.scorer import Given, Scores
from evals.scorers.text.exact import exact_text
from evals.scorers.text.rouge import rouge, rouge_unicode
from evals.suite.sample import Sample
from evals.suite.scoring import Text
from evals.text.words import unicode_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop at 3.14 bar!", ["don't", "stop", "at", "3.14", "bar"]),
        ("Η αντλία — ΤΩΡΑ", ["η", "αντλία", "τωρα"]),
        ("Straße", ["strasse"]),
        ("добрый день", ["добрый", "день"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("水泵 ok", ["水", "泵", "ok"]),
        ("مضخة الماء", ["مضخة", "الماء"]),
        ("… — ?!", []),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert unicode_words(text) == words


@given(st.text())
def test_the_way_a_letter_is_composed_makes_no_difference(text: str) -> None:
    assert unicode_words(unicodedata.normalize("NFD", text)) == unicode_words(
        unicodedata.normalize("NFC", text)
    )


def scores(answer: str, *references: str) -> dict[str, Scores]:
    sample = Sample(id="s", scoring=Text(kind="text", references=references))
    asked = Given((Answer(text=answer),))
    return {each.name: each.score(sample, asked) for each in (rouge, rouge_unicode, exact_text)}


@pytest.mark.parametrize("text", ["Η αντλία λειτουργεί", "насос работает снова", "泵又开始运转了", "ปั๊มทำงาน"])
def test_the_same_text_is_only_alike_to_a_tokeniser_that_sees_it(text: str) -> None:
    found = scores(text, text)
    assert set(found["text.rouge"].values()) == {0.0}
    assert set(found["text.rouge_unicode"].values()) == {1.0}
    assert found["text.exact"] == {"exact_text": 1.0}


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_is_said_has_scores(answer: str, reference: str) -> None:
    for found in scores(answer, reference).values():
        assert all(isinstance(value, float) and 0 <= value <= 1 for value in found.values())
