"""Language: of two sentences that differ in one place, one is English. Each phenomenon has its own pairs."""

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple


class Pair(NamedTuple):
    right: str
    wrong: str


_PEOPLE = (("nurse", "nurses"), ("driver", "drivers"), ("teacher", "teachers"), ("clerk", "clerks"))
_VERBS = (("opens", "open"), ("checks", "check"), ("signs", "sign"), ("forgets", "forget"))
_PAST = (("go", "went"), ("bring", "brought"), ("take", "took"), ("write", "wrote"), ("catch", "caught"))
_ADJECTIVES = (("old", "older"), ("quick", "quicker"), ("late", "later"), ("small", "smaller"))


def _agreement() -> Iterator[Pair]:
    """The verb agrees with its subject, not with the noun beside it."""
    for (one, many), (singular, plural) in product(_PEOPLE, _VERBS):
        yield Pair(
            f"The {one} behind the {_PEOPLE[0][1]} {singular} the letter.",
            f"The {one} behind the {_PEOPLE[0][1]} {plural} the letter.",
        )
        yield Pair(
            f"The {many} near the gate {plural} the letter.",
            f"The {many} near the gate {singular} the letter.",
        )


def _determiners() -> Iterator[Pair]:
    for one, many in _PEOPLE:
        yield Pair(f"Every {one} was on time.", f"Every {many} was on time.")
        yield Pair(f"These {many} were on time.", f"These {one} were on time.")
        yield Pair(f"I saw several {many} outside.", f"I saw several {one} outside.")


def _reflexives() -> Iterator[Pair]:
    for one, many in _PEOPLE:
        yield Pair(f"The {many} introduced themselves.", f"The {many} introduced himself.")
        yield Pair(f"We introduced ourselves to the {one}.", f"We introduced themselves to the {one}.")


def _tense() -> Iterator[Pair]:
    for base, past in _PAST:
        yield Pair(f"Did they {base} it yesterday?", f"Did they {past} it yesterday?")
        yield Pair(f"They {past} it yesterday.", f"They {base} it yesterday.")
        yield Pair(f"She would never {base} it.", f"She would never {past} it.")


def _order() -> Iterator[Pair]:
    for one, _ in _PEOPLE:
        yield Pair(f"What did the {one} buy?", f"What the {one} did buy?")
        yield Pair(f"I know what the {one} bought.", f"I know what bought the {one} did.")
        yield Pair(f"The {one} has already left.", f"The {one} already left has.")


def _comparison() -> Iterator[Pair]:
    for plain, comparative in _ADJECTIVES:
        yield Pair(f"This train is {comparative} than that one.", f"This train is {plain} than that one.")
        yield Pair(f"This train is as {plain} as that one.", f"This train is as {comparative} as that one.")


_PHENOMENA = (_agreement, _determiners, _reflexives, _tense, _order, _comparison)


def language() -> Iterator[dict[str, Any]]:
    """Each pair once."""
    for phenomenon in _PHENOMENA:
        for pair in phenomenon():
            yield {
                "messages": [{"role": "user", "content": "Which of the two sentences is correct English?"}],
                "scoring": {"kind": "multiple_choice", "choices": list(pair), "answer_index": 0},
            }
