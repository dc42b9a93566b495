"""What is no JSON, or no object, or says a thing twice."""

from collections.abc import Iterator

from tests.evals.tool_calls.rules.case import (
    ARGUMENTS,
    BROKEN,
    CALLED,
    NONE,
    RIGHT,
    Case,
    Options,
    call,
    one,
    options,
)

UNREADABLE = (
    ('{"text": "x"', "an end is missing"),
    ('{"text": "x}', "a quote is missing"),
    ("{'text': 'x'}", "single quotes"),
    ('{"text": "x",}', "a comma too many"),
    ('{text: "x"}', "a key without quotes"),
    ('{"text": "x"} ok', "words after it"),
    ('```json\n{"text": "x"}\n```', "a fence around it"),
    ('{"text": "x"}{"text": "x"}', "two objects"),
    ('{"text": "x" // a note\n}', "a comment"),
    ('{"text": True}', "Python's spelling"),
    ('{"text": "a\nb"}', "a line break in a text"),
    ('{"text": 01}', "a number with a leading zero"),
    ("", "nothing"),
    ("x", "a word"),
    ("[" * 2000, "far too deep"),
)
NO_OBJECT = (
    ('["x"]', "a list"),
    ('"x"', "a text"),
    ("5", "a number"),
    ("null", "null"),
    ("true", "a truth value"),
    ("[]", "an empty list"),
    ('"{\\"text\\": \\"x\\"}"', "an object in a text"),
)
TWICE = (
    ('{"text": "y", "text": "x"}', RIGHT, "the last of two is the right one"),
    ('{"text": "x", "text": "x"}', RIGHT, "the same twice"),
    ('{"text": 5, "text": "x"}', RIGHT, "the first has another type"),
    ('{"text": null, "text": "x"}', RIGHT, "the first is null"),
    ('{"text": "a", "text": "b", "text": "x"}', RIGHT, "three times"),
    ('{"text": "y", "\\u0074ext": "x"}', RIGHT, "spelt with an escape"),
    ('{"text": "x", "text": "y"}', ARGUMENTS, "the last of two is the wrong one"),
    ('{"text": "x", "text": null}', ARGUMENTS, "the last is null"),
    ('{"text": "x", "text": ["x"]}', ARGUMENTS, "the last is a list"),
)


def cases() -> Iterator[Case]:
    for written, why in (*UNREADABLE, *NO_OBJECT):
        yield one("malformed", why, "add_note", {"text": ["x"]}, written, BROKEN, BROKEN)
        yield Case("broken_call_where_none_is_due", why, NONE, [call("add_note", written)], RIGHT, CALLED)
    yield from _beside_a_good_one()
    yield from _repeated()
    yield from _beyond_json()


def _beside_a_good_one() -> Iterator[Case]:
    good, bad = call("add_note", {"text": "x"}), call("delete_note", '{"note": 1')
    truth: list[dict[str, Options]] = [{"add_note": {"text": ["x"]}}, {"delete_note": {"note": [1]}}]
    yield Case("malformed", "one of two", truth, [good, bad], BROKEN, BROKEN)
    yield Case("malformed", "one of two, the first", truth, [bad, good], BROKEN, BROKEN)
    yield Case("malformed", "one more than is due", truth[:1], [good, bad], BROKEN, BROKEN)
    yield Case("broken_call_where_none_is_due", "beside a whole one", NONE, [good, bad], RIGHT, CALLED)


def _repeated() -> Iterator[Case]:
    rule = "repeated_key"
    for written, bfcl, why in TWICE:
        yield one(rule, why, "add_note", {"text": ["x"]}, written, bfcl, BROKEN)
    inner = {"address": [{"city": ["Rome"]}]}
    for written, bfcl, why in (
        ('{"address": {"city": "Oslo", "city": "Rome"}}', RIGHT, "inside an object, the last is right"),
        ('{"address": {"city": "Rome", "city": "Oslo"}}', ARGUMENTS, "inside an object, the last is wrong"),
        ('{"address": {"city": "Oslo"}, "address": {"city": "Rome"}}', RIGHT, "a whole object twice"),
    ):
        yield one(rule, why, "order", inner, written, bfcl, BROKEN)
    lines = {"lines": [[{"part": ["nut"]}]]}
    written = '{"lines": [{"part": "bolt", "part": "nut"}]}'
    yield one(rule, "in an object of a list", "order", lines, written, RIGHT, BROKEN)
    yield Case(
        rule, "where no call is due", NONE, [call("add_note", '{"text": "x", "text": "x"}')], CALLED, CALLED
    )


def _beyond_json() -> Iterator[Case]:
    rule = "beyond_json"
    for word in ("NaN", "Infinity", "-Infinity"):
        listing = options(part=["x"], newton_metres=[5.0])
        written = f'{{"part": "x", "newton_metres": {word}}}'
        yield one(rule, f"{word} is no JSON", "tighten", listing, written, ARGUMENTS, BROKEN)
        yield Case(rule, f"{word} where no call is due", NONE, [call("tighten", written)], CALLED, CALLED)
        listed = {"address": [{"floor": [1]}]}
        yield one(
            rule, f"{word} inside", "order", listed, f'{{"address": {{"floor": {word}}}}}', ARGUMENTS, BROKEN
        )
    listing = options(part=["x"], newton_metres=[5.0])
    written = f'{{"part": "x", "newton_metres": 1{"0" * 400}}}'
    yield one(
        rule, "a whole number that no fraction can hold", "tighten", listing, written, ARGUMENTS, ARGUMENTS
    )
    written = '{"part": "x", "newton_metres": 1e999}'
    yield one(rule, "a number beyond all bounds", "tighten", listing, written, ARGUMENTS, ARGUMENTS)
