"""How choices are put to a model that only talks: lettered, in an order that the sample alone decides.

The prompts of such samples do not list the choices. The order is drawn by the sample's id: the right answer stands nowhere
more often than elsewhere, and every release sees the same.
"""

import hashlib
import re
from string import ascii_uppercase
from typing import NamedTuple

from evals.suite.sample import Sample
from evals.suite.scoring import ContinuationChoice, MultipleChoice, OpenOrChoice

KINDS = ("multiple_choice", "continuation_choice", "open_or_choice")

_ASKED = "Answer with the letter of the right choice only."
_CONTINUED = "Which of these continues the text? Answer with its letter only."


class Presented(NamedTuple):
    """The choices in the order shown, and the letter of the right one."""

    choices: tuple[str, ...]
    letter: str

    def listed(self) -> str:
        return "\n".join(
            f"{letter}) {choice}" for letter, choice in zip(ascii_uppercase, self.choices, strict=False)
        )


def presented(sample: Sample) -> Presented:
    scoring = sample.scoring
    if isinstance(scoring, MultipleChoice | ContinuationChoice):
        choices, right = scoring.choices, scoring.choices[scoring.answer_index]
    else:
        assert isinstance(scoring, OpenOrChoice)
        right = scoring.answers[0]
        choices = (right, *scoring.incorrect)
    drawn = sorted(
        enumerate(choices), key=lambda each: hashlib.sha256(f"{sample.id} {each[0]}".encode()).digest()
    )
    shown = tuple(choice for _, choice in drawn)
    return Presented(shown, ascii_uppercase[shown.index(right)])


def instruction(sample: Sample) -> str:
    """What is asked after the sample's last message."""
    asked = _CONTINUED if isinstance(sample.scoring, ContinuationChoice) else _ASKED
    return f"\n\n{presented(sample).listed()}\n\n{asked}"


_LETTER_ALONE = re.compile(r"^\W*([A-Z])(?:\W|$)")
_LETTER_STATED = re.compile(r"(?:answer|choice|option)\W*(?:is\b\W*)?([A-Z])\b", re.IGNORECASE)
_WORD_FOLLOWS = re.compile(r"\s+[^\W\d_]")


def chosen(presentation: Presented, said: str) -> str:
    """The letter that an answer gives: stated as the answer, or alone at its start, or the one choice whose whole text
    is there. Empty when none or several can be read.
    """
    letters = ascii_uppercase[: len(presentation.choices)]
    stated = {
        found[1].upper() for found in _LETTER_STATED.finditer(said) if not _is_article(said, found)
    } & set(letters)
    if len(stated) == 1:
        return stated.pop()
    alone = _LETTER_ALONE.match(said.strip())
    if not stated and alone and alone[1] in letters and not _is_prose(said, alone[1]):
        return str(alone[1])
    quoted = [
        letter
        for letter, choice in zip(letters, presentation.choices, strict=True)
        if choice.strip() and _is_quoted(choice.strip(), said)
    ]
    return quoted[0] if len(quoted) == 1 and not stated else ""


def _is_prose(said: str, letter: str) -> bool:
    """A and I are words as well: at the start of a sentence they choose nothing."""
    return letter in "AI" and re.match(rf"^\W*{letter}\s+[a-z]", said.strip()) is not None


def _is_article(said: str, stated: re.Match[str]) -> bool:
    """`The answer is a ferry` names no choice, nor does `my answer: I think`."""
    return stated[1] in "aiI" and _WORD_FOLLOWS.match(said, stated.end()) is not None


def _is_quoted(choice: str, said: str) -> bool:
    """As words of its own: `tin` is not in `continue`."""
    return re.search(rf"(?<!\w){re.escape(choice.lower())}(?!\w)", said.lower()) is not None
