"""Which values an argument may have, or whether it may be left out."""

from collections.abc import Iterator
from typing import Any

from tests.evals.tool_calls.rules.case import ARGUMENTS, RIGHT, Case, one, options


def cases() -> Iterator[Case]:
    yield from _alternatives()
    yield from _left_out()
    yield from _not_expected()
    yield from _listed_otherwise()
    yield from _null()
    yield from _empty()


def _alternatives() -> Iterator[Case]:
    rule = "alternatives"
    texts = ("tomorrow", "by tomorrow", "Tuesday")
    for given in texts:
        yield one(rule, "one of the texts", "add_note", {"text": texts}, {"text": given}, RIGHT, RIGHT)
    for given in ("today", "by", "tomorrow or Tuesday"):
        yield one(
            rule, "none of the texts", "add_note", {"text": texts}, {"text": given}, ARGUMENTS, ARGUMENTS
        )
    for number in (1, 2, 3):
        yield one(
            rule, "one of the numbers", "delete_note", {"note": [1, 2, 3]}, {"note": number}, RIGHT, RIGHT
        )
    yield one(rule, "none of the numbers", "delete_note", {"note": [1, 2]}, {"note": 3}, ARGUMENTS, ARGUMENTS)
    lists: list[Any] = [["a", "b"], ["b", "a"], ["c"]]
    for listed in lists:
        yield one(rule, "one of the lists", "order", {"parts": lists}, {"parts": listed}, RIGHT, RIGHT)
    for given_list in (["a"], ["a", "b", "c"], ["a", "c"], []):
        yield one(
            rule, "none of the lists", "order", {"parts": lists}, {"parts": given_list}, ARGUMENTS, ARGUMENTS
        )


def _left_out() -> Iterator[Case]:
    rule = "optional_arguments"
    may = options(text=["x"], machine=["M1", ""], level=["", "low"])
    for given in ({}, {"machine": "M1"}, {"level": "low"}, {"machine": "M1", "level": "low"}):
        yield one(
            rule, "may be left out, or have its value", "add_note", may, {"text": "x", **given}, RIGHT, RIGHT
        )
    for given in ({"machine": "M2"}, {"level": "high"}, {"machine": "low"}):
        arguments = {"text": "x", **given}
        yield one(
            rule,
            "may be left out, but not have another value",
            "add_note",
            may,
            arguments,
            ARGUMENTS,
            ARGUMENTS,
        )
    must = options(text=["x"], machine=["M1"], level=["low"])
    for given in ({}, {"machine": "M1"}, {"level": "low"}):
        arguments = {"text": "x", **given}
        yield one(rule, "must not be left out", "add_note", must, arguments, ARGUMENTS, ARGUMENTS)
    required = options(text=["x", ""], machine=["M1"])
    yield one(
        rule,
        "left out although the schema requires it",
        "add_note",
        required,
        {"machine": "M1"},
        ARGUMENTS,
        ARGUMENTS,
    )
    yield one(rule, "all left out", "order", {"budget": [""], "parts": [""]}, {}, RIGHT, RIGHT)


def _not_expected() -> Iterator[Case]:
    rule = "further_arguments"
    for extra in ({"machine": "M1"}, {"urgent": False}, {"level": "low"}, {"machine": ""}, {"level": None}):
        arguments = {"text": "x", **extra}
        yield one(
            rule, "the truth does not know it", "add_note", {"text": ["x"]}, arguments, ARGUMENTS, ARGUMENTS
        )
    for name in ("colour", "Text", "text ", "", "machine_id"):
        arguments = {"text": "x", name: "x"}
        listing = options(text=["x"], **{name: ["x"]})
        yield one(rule, "the schema does not know it", "add_note", listing, arguments, ARGUMENTS, ARGUMENTS)
    yield one(rule, "a tool without parameters gets one", "status", {}, {"all": True}, ARGUMENTS, ARGUMENTS)
    yield one(rule, "a tool without parameters gets none", "status", {}, {}, RIGHT, RIGHT)


def _listed_otherwise() -> Iterator[Case]:
    rule = "variable_names"
    for name in ("count", "previous_result", "n", "user.id", "x1"):
        listing = options(part=["x"], turns=[name])
        why = "a name where the schema wants a whole number, and the answers list it"
        yield one(rule, why, "tighten", listing, {"part": "x", "turns": name}, RIGHT, ARGUMENTS)
    listing = options(part=["x"], turns=["count"])
    why = "a name is not folded"
    yield one(rule, why, "tighten", listing, {"part": "x", "turns": "Count"}, ARGUMENTS, ARGUMENTS)
    why = "a number where the answers list a name only"
    yield one(rule, why, "tighten", listing, {"part": "x", "turns": 3}, ARGUMENTS, ARGUMENTS)
    later = options(part=["x"], turns=[3, "count"])
    why = "a name that is listed, but not first"
    yield one(rule, why, "tighten", later, {"part": "x", "turns": "count"}, ARGUMENTS, ARGUMENTS)
    why = "a number where the schema wants a text, and the answers list it"
    yield one(rule, why, "add_note", {"text": [5]}, {"text": 5}, RIGHT, ARGUMENTS)
    why = "its text where the answers list the number"
    yield one(rule, why, "add_note", {"text": [5]}, {"text": "5"}, ARGUMENTS, ARGUMENTS)
    why = "texts in a list of whole numbers, as the answers list them"
    listing = options(part=["x"], bolts=[["b1", "b2"]])
    yield one(rule, why, "tighten", listing, {"part": "x", "bolts": ["b1", "b2"]}, RIGHT, ARGUMENTS)
    why = "a name for a whole list"
    named = options(part=["x"], bolts=["all_bolts"])
    yield one(rule, why, "tighten", named, {"part": "x", "bolts": "all_bolts"}, RIGHT, ARGUMENTS)


def _null() -> Iterator[Case]:
    rule = "null"
    for tool, name, others in (
        ("add_note", "text", {}),
        ("add_note", "machine", {"text": "x"}),
        ("add_note", "urgent", {"text": "x"}),
        ("tighten", "turns", {"part": "x"}),
        ("tighten", "newton_metres", {"part": "x"}),
        ("order", "parts", {}),
        ("order", "address", {}),
        ("delete_note", "note", {}),
    ):
        rest = {each: [value] for each, value in others.items()}
        arguments = {**others, name: None}
        why = "null where the answers list it first"
        yield one(rule, why, tool, {**rest, name: [None]}, arguments, RIGHT, ARGUMENTS)
        why = "null where the answers list it after the mark that it may be left out"
        yield one(rule, why, tool, {**rest, name: ["", None]}, arguments, RIGHT, ARGUMENTS)
        why = "null where it may only be left out"
        yield one(rule, why, tool, {**rest, name: [""]}, arguments, ARGUMENTS, ARGUMENTS)
    why = "null that is listed, but not first"
    yield one(rule, why, "add_note", {"text": ["x", None]}, {"text": None}, ARGUMENTS, ARGUMENTS)
    yield one(rule, "null is no text", "add_note", {"text": ["null"]}, {"text": None}, ARGUMENTS, ARGUMENTS)
    yield one(
        rule, "and the text is no null", "add_note", {"text": [None]}, {"text": "null"}, ARGUMENTS, ARGUMENTS
    )


def _empty() -> Iterator[Case]:
    rule = "empty_list"
    for name, value in (("parts", ["a"]), ("parts", ["a", "b"]), ("lines", [{"part": ["a"]}])):
        why = "an empty list where it may be left out"
        yield one(rule, why, "order", {name: [value, ""]}, {name: []}, RIGHT, ARGUMENTS)
        yield one(rule, why, "order", {name: ["", value]}, {name: []}, RIGHT, ARGUMENTS)
        yield one(
            rule, "an empty list for another", "order", {name: [value]}, {name: []}, ARGUMENTS, ARGUMENTS
        )
    for name in ("parts", "lines"):
        yield one(rule, "an empty list that is listed", "order", {name: [[]]}, {name: []}, RIGHT, RIGHT)
        why = "a list with something for an empty one"
        given: dict[str, Any] = {"parts": ["a"], "lines": [{"part": "a"}]}
        yield one(rule, why, "order", {name: [[]]}, {name: given[name]}, ARGUMENTS, ARGUMENTS)
    listing = options(part=["x"], bolts=[[1, 2], ""])
    yield one(rule, "of numbers", "tighten", listing, {"part": "x", "bolts": []}, RIGHT, ARGUMENTS)
    yield one(rule, "of lists", "grid", {"rows": [[[1]], ""]}, {"rows": []}, RIGHT, ARGUMENTS)
    rule = "empty_text_and_object"
    for mark in (["x", ""], [""], ["", "x"]):
        listing = options(text=["t"], machine=mark)
        why = "an empty text where it may be left out: no value, and too short for the schema"
        yield one(rule, why, "add_note", listing, {"text": "t", "machine": ""}, RIGHT, ARGUMENTS)
        why = "a text that folds to an empty one where it may be left out"
        yield one(rule, why, "add_note", listing, {"text": "t", "machine": " - "}, RIGHT, ARGUMENTS)
        why = "an empty text is a given value"
        yield one(
            rule, why, "order", {"address": [{"city": mark}]}, {"address": {"city": ""}}, RIGHT, ARGUMENTS
        )
    for address in (options(city=["Rome"]), options(city=["Rome"], floor=[2])):
        why = "an empty object where it may be left out"
        yield one(rule, why, "order", {"address": [address, ""]}, {"address": {}}, ARGUMENTS, ARGUMENTS)
    yield one(
        rule,
        "all its keys may be left out",
        "order",
        {"address": [{"city": ["Rome", ""]}]},
        {"address": {}},
        RIGHT,
        RIGHT,
    )
    yield one(
        rule, "an empty object that is listed", "order", {"address": [{}]}, {"address": {}}, RIGHT, RIGHT
    )
