"""Lists and objects: order, length, options for each key."""

from collections.abc import Iterator
from typing import Any

from tests.evals.tool_calls.rules.case import ARGUMENTS, RIGHT, Case, Options, one


def cases() -> Iterator[Case]:
    yield from _lists()
    yield from _objects()
    yield from _lists_of_objects()
    yield from _deeper()


def _lists() -> Iterator[Case]:
    rule = "lists"
    for given, verdict, why in (
        (["a", "b", "c"], RIGHT, "the same list"),
        (["a", "c", "b"], ARGUMENTS, "the order counts"),
        (["a", "b"], ARGUMENTS, "one too few"),
        (["a", "b", "c", "c"], ARGUMENTS, "one too many"),
        (["a", "b", "d"], ARGUMENTS, "another element"),
        ("a", ARGUMENTS, "a text is no list"),
        ("a, b, c", ARGUMENTS, "a text is no list"),
        ('["a", "b", "c"]', ARGUMENTS, "a list in a text is a text"),
        ({"0": "a"}, ARGUMENTS, "an object is no list"),
        ([["a", "b", "c"]], ARGUMENTS, "a list in a list is another"),
    ):
        yield one(rule, why, "order", {"parts": [["a", "b", "c"]]}, {"parts": given}, verdict, verdict)
    for bolts, verdict, why in (
        ([1, 2, 3], RIGHT, "the same numbers"),
        ([3, 2, 1], ARGUMENTS, "the order counts"),
        ([1, 2, "3"], ARGUMENTS, "a text is no number"),
        ([1, 2, None], ARGUMENTS, "null is no number"),
        ([1, 2, True], ARGUMENTS, "a truth value is no number"),
    ):
        options = {"part": ["x"], "bolts": [[1, 2, 3]]}
        yield one(rule, why, "tighten", options, {"part": "x", "bolts": bolts}, verdict, verdict)


def _objects() -> Iterator[Case]:
    rule = "objects"
    options: dict[str, Any] = {"city": ["Rome", "Roma"], "street": ["Via Appia"], "floor": [2, ""]}
    for given, verdict, why in (
        ({"city": "Rome", "street": "Via Appia"}, RIGHT, "a key that may be left out is"),
        ({"city": "Roma", "street": "Via Appia"}, RIGHT, "another option of a key"),
        ({"city": "Roma", "street": "Via Appia", "floor": 2}, RIGHT, "with the key that may be left out"),
        ({"floor": 2, "street": "Via Appia", "city": "Rome"}, RIGHT, "keys have no order"),
        ({"city": "Rome"}, ARGUMENTS, "a key is missing"),
        ({"city": "Rome", "street": "Via Appia", "floor": 3}, ARGUMENTS, "another value of a key"),
        ({"city": "Rome", "street": "Via Appia", "lift": True}, ARGUMENTS, "a key more"),
        ({"City": "Rome", "street": "Via Appia"}, ARGUMENTS, "keys are exact"),
        ({"city": "Milan", "street": "Via Appia"}, ARGUMENTS, "no option of the key"),
        ({"city": ["Rome"], "street": "Via Appia"}, ARGUMENTS, "a list of the value is another"),
        ({}, ARGUMENTS, "all keys are missing"),
        ("Via Appia, Rome", ARGUMENTS, "a text is no object"),
        ([{"city": "Rome", "street": "Via Appia"}], ARGUMENTS, "a list of the object is another"),
    ):
        yield one(rule, why, "order", {"address": [options]}, {"address": given}, verdict, verdict)
    two: list[Any] = [{"city": ["Rome"], "floor": [1]}, {"city": ["Milan"], "floor": [2]}]
    for city, floor, verdict in (
        ("Rome", 1, RIGHT),
        ("Milan", 2, RIGHT),
        ("Rome", 2, ARGUMENTS),
        ("Milan", 1, ARGUMENTS),
    ):
        given_two = {"address": {"city": city, "floor": floor}}
        yield one(
            rule, "options of one object, not of two", "order", {"address": two}, given_two, verdict, verdict
        )


def _lists_of_objects() -> Iterator[Case]:
    rule = "lists_of_objects"
    options: list[Any] = [[{"part": ["bolt", "screw"], "count": [4, ""]}, {"part": ["nut"], "count": [4]}]]
    bolt, nut = {"part": "bolt", "count": 4}, {"part": "nut", "count": 4}
    for given, verdict, why in (
        ([bolt, nut], RIGHT, "both"),
        ([{"part": "screw"}, nut], RIGHT, "another option, and a key left out"),
        ([{"part": "screw", "count": 4}, nut], RIGHT, "another option"),
        ([nut, bolt], ARGUMENTS, "the order counts"),
        ([bolt], ARGUMENTS, "one too few"),
        ([bolt, nut, nut], ARGUMENTS, "one too many"),
        ([bolt, {"part": "nut"}], ARGUMENTS, "a key is missing"),
        ([bolt, {"part": "nut", "count": 5}], ARGUMENTS, "another value"),
        ([bolt, {**nut, "colour": "red"}], ARGUMENTS, "a key more"),
        ([bolt, "nut"], ARGUMENTS, "a text is no object"),
        (["bolt", "nut"], ARGUMENTS, "texts are no objects"),
        (bolt, ARGUMENTS, "an object is no list"),
    ):
        yield one(rule, why, "order", {"lines": options}, {"lines": given}, verdict, verdict)


def _deeper() -> Iterator[Case]:
    """Options inside an object inside an object: the leaderboard compares them as if they were the value."""
    rule = "options_two_levels_deep"
    for listed, given, why in (
        ({"name": ["Ada"]}, {"name": "Ada"}, "one option"),
        ({"name": ["Ada", "Bo"]}, {"name": "Bo"}, "one of two"),
        ({"name": ["Ada"], "age": [7, ""]}, {"name": "Ada"}, "a key left out"),
        ({"name": ["Ada"], "age": [7, ""]}, {"name": "Ada", "age": 7}, "with that key"),
        ({"tags": [["a", "b"]]}, {"tags": ["a", "b"]}, "a list"),
        ({"at": [{"x": [1]}]}, {"at": {"x": 1}}, "an object once more"),
    ):
        yield one(rule, why, "order", _contact(listed), {"address": {"contact": given}}, ARGUMENTS, RIGHT)
    others: tuple[tuple[Options, Any, str], ...] = (
        ({"name": ["Ada"]}, {"name": "Bo"}, "no option"),
        ({"name": ["Ada"]}, {}, "a key is missing"),
        ({"name": ["Ada"]}, {"name": "Ada", "age": 7}, "a key more"),
        ({"name": ["Ada"]}, "Ada", "a text is no object"),
    )
    for wanted, other, why in others:
        yield one(rule, why, "order", _contact(wanted), {"address": {"contact": other}}, ARGUMENTS, ARGUMENTS)
    why = "the options themselves, as if they were the value"
    options = _contact({"name": ["Ada"]})
    yield one(rule, why, "order", options, {"address": {"contact": {"name": ["Ada"]}}}, RIGHT, ARGUMENTS)
    plain = _contact({"name": "Ada"})
    why = "a plain value in place of options"
    yield one(rule, why, "order", plain, {"address": {"contact": {"name": "Ada"}}}, RIGHT, RIGHT)


def _contact(listed: Options) -> Options:
    return {"address": [{"contact": [listed]}]}
