"""Numbers and truth values: the leaderboard has Python's types, JSON has one number type."""

from collections.abc import Iterator
from typing import Any

from tests.evals.tool_calls.rules.case import ARGUMENTS, RIGHT, Case, one, options

RULE = "number_kind"


def cases() -> Iterator[Case]:
    yield from _whole_numbers()
    yield from _fractions()
    yield from _widening()
    yield from _booleans()
    yield from _depth()


def _turns(why: str, listed: Any, written: str, bfcl: str, strict: str) -> Case:
    listing = options(part=["x"], turns=[listed])
    return one(RULE, why, "tighten", listing, f'{{"part": "x", "turns": {written}}}', bfcl, strict)


def _whole_numbers() -> Iterator[Case]:
    for listed, written in (
        (5, "5.0"),
        (20, "2e1"),
        (5, "5.00"),
        (0, "0.0"),
        (-3, "-3.0"),
        (100, "1E2"),
        (7, "70e-1"),
    ):
        yield _turns("a whole number with a point or exponent", listed, written, ARGUMENTS, RIGHT)
    for listed, written in (
        (5, "5"),
        (0, "0"),
        (-3, "-3"),
        (0, "-0"),
        (123456789012345678901, "123456789012345678901"),
    ):
        yield _turns("a whole number", listed, written, RIGHT, RIGHT)
    for listed, written in (
        (5, "6"),
        (5, "5.5"),
        (5, "-5"),
        (5, '"5"'),
        (9007199254740993, "9007199254740992"),
    ):
        yield _turns("another number, or a text", listed, written, ARGUMENTS, ARGUMENTS)
    for numbers, written in (
        ([1, 2], "[1.0, 2]"),
        ([3], "[3.0]"),
        ([10, 20], "[1e1, 2e1]"),
        ([0, 1], "[0, 1.0]"),
    ):
        listing = options(part=["x"], bolts=[numbers])
        arguments = f'{{"part": "x", "bolts": {written}}}'
        yield one(
            RULE, "whole numbers with a point in a list", "tighten", listing, arguments, ARGUMENTS, RIGHT
        )


def _fractions() -> Iterator[Case]:
    same = ((2.5, "2.5"), (2.5, "2.50"), (2.5, "25e-1"), (0.5, "5e-1"), (1e3, "1000.0"), (-0.5, "-0.5"))
    for listed, written in same:
        listing = options(part=["x"], newton_metres=[listed])
        strict = RIGHT if listed <= 500 else ARGUMENTS
        why = "a fraction" if listed <= 500 else "above the schema's maximum"
        yield one(
            RULE, why, "tighten", listing, f'{{"part": "x", "newton_metres": {written}}}', RIGHT, strict
        )
    mixed: tuple[tuple[list[float], str], ...] = (
        ([0.5, 1.0], "[0.5, 1]"),
        ([1.0], "[1]"),
        ([2.5, 3], "[2.5, 3]"),
        ([10.0, 20.0], "[10, 20]"),
    )
    for fractions, written in mixed:
        listing = options(part=["x"], steps=[fractions])
        arguments = f'{{"part": "x", "steps": {written}}}'
        yield one(
            RULE,
            "a bare whole number in a list of fractions",
            "tighten",
            listing,
            arguments,
            ARGUMENTS,
            RIGHT,
        )
    alike: tuple[tuple[list[float], str], ...] = (
        ([1, 2], "[1, 2]"),
        ([1, 2], "[1.0, 2.0]"),
        ([0.5, 1.5], "[0.5, 1.5]"),
    )
    for fractions, written in alike:
        listing = options(part=["x"], steps=[fractions])
        arguments = f'{{"part": "x", "steps": {written}}}'
        yield one(
            RULE,
            "numbers of the schema's or the list's own kind",
            "tighten",
            listing,
            arguments,
            RIGHT,
            RIGHT,
        )


def _widening() -> Iterator[Case]:
    rule = "whole_number_for_fraction"
    for listed, written in (
        (5.0, "5"),
        (5, "5"),
        (5, "5.0"),
        (0.0, "0"),
        (-2.0, "-2"),
        (40.0, "40"),
        (40, "4e1"),
    ):
        listing = options(part=["x"], newton_metres=[listed])
        arguments = f'{{"part": "x", "newton_metres": {written}}}'
        yield one(rule, "at the top a whole number will do", "tighten", listing, arguments, RIGHT, RIGHT)
    for listed, written in (
        (5.5, "5"),
        (5.0, '"5"'),
        (5.0, "true"),
        (1.0, "true"),
        (5.0, "null"),
        (5.0, "[5]"),
    ):
        listing = options(part=["x"], newton_metres=[listed])
        arguments = f'{{"part": "x", "newton_metres": {written}}}'
        yield one(rule, "another value", "tighten", listing, arguments, ARGUMENTS, ARGUMENTS)


def _booleans() -> Iterator[Case]:
    rule = "booleans"
    for listed in (True, False):
        for written, bfcl, strict, why in (
            (str(listed).lower(), RIGHT, RIGHT, "the truth value"),
            (str(not listed).lower(), ARGUMENTS, ARGUMENTS, "the other truth value"),
            (str(int(listed)), ARGUMENTS, ARGUMENTS, "a number is no truth value"),
            (f'"{str(listed).lower()}"', ARGUMENTS, ARGUMENTS, "a text is no truth value"),
            ("null", ARGUMENTS, ARGUMENTS, "null is no truth value"),
        ):
            listing = options(text=["x"], urgent=[listed])
            yield one(rule, why, "add_note", listing, f'{{"text": "x", "urgent": {written}}}', bfcl, strict)
        number = int(listed)
        yield one(
            rule,
            "where the answers list a number, Python's True is 1",
            "add_note",
            {"text": ["x"], "urgent": [number]},
            {"text": "x", "urgent": listed},
            RIGHT,
            ARGUMENTS,
        )
        yield one(
            rule,
            "a truth value for a whole number",
            "tighten",
            {"part": ["x"], "turns": [number]},
            {"part": "x", "turns": listed},
            ARGUMENTS,
            ARGUMENTS,
        )


def _depth() -> Iterator[Case]:
    rule = "types_one_level_deep"
    for floor, written, bfcl, strict, why in (
        (5, "5.0", RIGHT, RIGHT, "inside an object the leaderboard has one number type too"),
        (1, "true", RIGHT, ARGUMENTS, "inside an object Python's True is 1"),
        (0, "false", RIGHT, ARGUMENTS, "inside an object Python's False is 0"),
        (5, '"5"', ARGUMENTS, ARGUMENTS, "a text is no number there either"),
        (20, "2e1", RIGHT, RIGHT, "an exponent inside an object"),
        (5, "null", ARGUMENTS, ARGUMENTS, "null is no number"),
    ):
        yield one(
            rule,
            why,
            "order",
            {"address": [{"floor": [floor]}]},
            f'{{"address": {{"floor": {written}}}}}',
            bfcl,
            strict,
        )
    for row, written, bfcl, strict, why in (
        ([1, 2], "[1.0, 2.0]", RIGHT, RIGHT, "a list inside a list is compared as a whole"),
        ([1], "[true]", RIGHT, ARGUMENTS, "Python's True is 1 in a list inside a list"),
        ([True], "[1]", RIGHT, ARGUMENTS, "and 1 is True"),
        (["1"], "[1]", ARGUMENTS, ARGUMENTS, "a number is no text"),
        ([1, 2], "[2, 1]", ARGUMENTS, ARGUMENTS, "the order counts"),
        ([0.5], "[0.5]", RIGHT, RIGHT, "the same row"),
    ):
        yield one(rule, why, "grid", {"rows": [[row]]}, f'{{"rows": [{written}]}}', bfcl, strict)
