"""Reasoning: word problems of two to four steps. Each number is computed from the values in the text."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

_NAMES = ("Amina", "Bruno", "Chen", "Dora", "Emil", "Fatima", "Goran", "Hana")

Problem = tuple[str, int]


def _shop(r: Random) -> Problem:
    name, boxes, each, sold = r.choice(_NAMES), r.randint(3, 9), r.randint(4, 12), r.randint(2, 10)
    text = f"{name} has {boxes} boxes with {each} pens each and sells {sold} pens. How many pens are left?"
    return text, boxes * each - sold


def _savings(r: Random) -> Problem:
    name, weekly, weeks, spent = r.choice(_NAMES), r.randint(5, 20), r.randint(3, 9), r.randint(4, 14)
    text = (
        f"{name} saves {weekly} euros a week for {weeks} weeks, then spends {spent} euros and gives half of the rest away "
        f"as far as whole euros go. How many euros are given away?"
    )
    return text, (weekly * weeks - spent) // 2


def _travel(r: Random) -> Problem:
    speed, hours, rest = r.choice((40, 50, 60, 80)), r.randint(2, 5), r.randint(10, 60)
    text = (
        f"A lorry drives {hours} hours at {speed} kilometres an hour and then {rest} kilometres more. "
        "How many kilometres is that in all?"
    )
    return text, speed * hours + rest


def _ages(r: Random) -> Problem:
    first, second, age, older, years = (
        *r.sample(_NAMES, 2),
        r.randint(6, 30),
        r.randint(2, 9),
        r.randint(3, 12),
    )
    text = f"{first} is {age}. {second} is {older} years older. How old will {second} be in {years} years?"
    return text, age + older + years


def _tiles(r: Random) -> Problem:
    long, wide, broken = r.randint(4, 12), r.randint(3, 9), r.randint(1, 9)
    text = (
        f"A floor is {long} tiles long and {wide} tiles wide. {broken} tiles break and are bought anew. "
        "How many tiles were bought in all?"
    )
    return text, long * wide + broken


_TEMPLATES: tuple[Callable[[Random], Problem], ...] = (_shop, _savings, _travel, _ages, _tiles)


def reasoning(random: Random) -> Iterator[dict[str, Any]]:
    """Without end; no text comes twice."""
    seen = set[str]()
    while True:
        for template in _TEMPLATES:
            text, number = template(random)
            if text not in seen:
                seen.add(text)
                yield {
                    "messages": [{"role": "user", "content": text}],
                    "scoring": {"kind": "final_number", "answers": [str(number)]},
                }
