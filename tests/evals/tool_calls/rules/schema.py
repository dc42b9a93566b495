"""What a tool's JSON Schema forbids although the answers list it."""

from collections.abc import Iterator

from tests.evals.tool_calls.rules.case import ARGUMENTS, RIGHT, Case, one, options


def cases() -> Iterator[Case]:
    yield from _enum()
    yield from _bounds()


def _enum() -> Iterator[Case]:
    rule = "enum"
    for level in ("low", "high"):
        listing = options(text=["x"], level=[level])
        yield one(rule, "a member", "add_note", listing, {"text": "x", "level": level}, RIGHT, RIGHT)
    for level in ("middle", "Low", "HIGH", "low ", "lowest", "1"):
        listing = options(text=["x"], level=[level])
        yield one(
            rule,
            "no member, but listed",
            "add_note",
            listing,
            {"text": "x", "level": level},
            RIGHT,
            ARGUMENTS,
        )
    for level, listed in (
        ("LOW", "low"),
        ("high", "High"),
        ("h-igh", "high"),
        (" low", "low"),
        ("Low", "LOW"),
    ):
        listing = options(text=["x"], level=[listed])
        why = "another spelling of what is listed"
        yield one(rule, why, "add_note", listing, {"text": "x", "level": level}, RIGHT, ARGUMENTS)
    for level in ("high", "middle"):
        listing = options(text=["x"], level=["low"])
        yield one(
            rule, "another value", "add_note", listing, {"text": "x", "level": level}, ARGUMENTS, ARGUMENTS
        )


def _bounds() -> Iterator[Case]:
    rule = "schema_bounds"
    for note in (0, -1, -100):
        why = "below the minimum, but listed"
        yield one(rule, why, "delete_note", {"note": [note]}, {"note": note}, RIGHT, ARGUMENTS)
    for force in (500.5, 501.0, 750.0):
        listing = options(part=["x"], newton_metres=[force])
        why = "above the maximum, but listed"
        yield one(rule, why, "tighten", listing, {"part": "x", "newton_metres": force}, RIGHT, ARGUMENTS)
    for note, force in ((1, 500.0), (2, 0.0)):
        yield one(rule, "at a bound", "delete_note", {"note": [note]}, {"note": note}, RIGHT, RIGHT)
        listing = options(part=["x"], newton_metres=[force])
        yield one(rule, "at a bound", "tighten", listing, {"part": "x", "newton_metres": force}, RIGHT, RIGHT)
    for unit, strict in (("mm", RIGHT), ("cm", RIGHT), ("km", ARGUMENTS), ("mm ", ARGUMENTS)):
        listing = options(rows=[[[1]]], unit=[unit])
        why = "fits the pattern" if strict == RIGHT else "misses the pattern, but listed"
        yield one(rule, why, "grid", listing, {"rows": [[1]], "unit": unit}, RIGHT, strict)
    listed = [[{"count": [2]}]]
    why = "an object without the key that its schema requires, but listed"
    yield one(rule, why, "order", {"lines": listed}, {"lines": [{"count": 2}]}, RIGHT, ARGUMENTS)
