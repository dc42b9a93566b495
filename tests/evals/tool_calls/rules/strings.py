"""Strings: the leaderboard folds them, JSON does not."""

from collections.abc import Iterator

from tests.evals.tool_calls.rules.case import ARGUMENTS, RIGHT, Case, one

FOLDED_ALIKE = (
    ("Rome", "rome", "case"),
    ("pump", "PUMP", "case"),
    ("Élan", "élan", "case beyond ASCII"),
    ("April 1, 2024", "April 1 2024", "comma"),
    ("left bearing", "leftbearing", "blank"),
    ("3.14", "314", "decimal point"),
    ("-5", "5", "sign"),
    ("TX-1.5", "TX-15", "decimal point in a part number"),
    ("A-100", "A100", "hyphen in a part number"),
    ("10/12", "1012", "slash"),
    ("M8_long", "M8 long", "underscore and blank"),
    ("2^10", "210", "caret"),
    ("3*4", "34", "asterisk"),
    ("it's worn", 'it"s worn', "quote"),
    ("2026-11-21", "2026/11/21", "hyphen and slash"),
    ("a.b.c", "A B C", "several at once"),
)
NEVER_ALIKE = (
    ("M8", "M10", "another text"),
    ("pump", "pumps", "one letter more"),
    ("pump #2", "pump 2", "a hash sign is kept"),
    ("5+5", "55", "a plus sign is kept"),
    ("50%", "50", "a percent sign is kept"),
    ("a:b", "ab", "a colon is kept"),
    ("pump\ttwo", "pumptwo", "a tab is no blank"),
    ("pump\u00a0two", "pumptwo", "a no-break space is no blank"),
    ("cafe\u0301", "caf\u00e9", "composed and decomposed letters differ"),
    ("(x)", "x", "brackets are kept"),
    ("x2", "x\u00b2", "a raised digit is another sign"),
    ("12", "\uff11\uff12", "wide digits are other signs"),
)
THE_SAME = (
    ("caf\u00e9", '{"text": "caf\\u00e9"}', "an escape is the letter"),
    ("a/b", '{"text": "a\\/b"}', "an escaped slash is a slash"),
    ("line\nend", '{"text": "line\\nend"}', "an escaped line break"),
    ("\U0001f527", '{"text": "\\ud83d\\udd27"}', "a surrogate pair is one sign"),
)


def cases() -> Iterator[Case]:
    yield from _folding()
    yield from _never()
    for listed, arguments, why in THE_SAME:
        yield one("unicode", why, "add_note", {"text": [listed]}, arguments, RIGHT, RIGHT)
    yield from _unicode()


def _folding() -> Iterator[Case]:
    rule = "string_folding"
    for listed, given, why in FOLDED_ALIKE:
        yield one(
            rule, f"{why}, in an argument", "add_note", {"text": [listed]}, {"text": given}, RIGHT, ARGUMENTS
        )
        yield one(
            rule,
            f"{why}, in a list",
            "order",
            {"parts": [[listed, "x"]]},
            {"parts": [given, "x"]},
            RIGHT,
            ARGUMENTS,
        )
        yield one(
            rule,
            f"{why}, in an object",
            "order",
            {"address": [{"city": [listed]}]},
            {"address": {"city": given}},
            RIGHT,
            ARGUMENTS,
        )
    for listed, given, why in FOLDED_ALIKE[:4]:
        yield one(
            "string_folding_depth",
            f"{why}, in an object inside an object: not folded there, where options are not read either",
            "order",
            {"address": [{"contact": [{"name": listed}]}]},
            {"address": {"contact": {"name": given}}},
            ARGUMENTS,
            ARGUMENTS,
        )
        yield one(
            "string_folding_depth",
            f"{why}, in a list inside a list: not folded there",
            "grid",
            {"rows": [[[listed]]]},
            {"rows": [[given]]},
            ARGUMENTS,
            ARGUMENTS,
        )
        yield one(
            "string_folding_depth",
            f"{why}, in an object of a list: folded",
            "order",
            {"lines": [[{"part": [listed]}]]},
            {"lines": [{"part": given}]},
            RIGHT,
            ARGUMENTS,
        )


def _never() -> Iterator[Case]:
    rule = "strings_that_differ"
    for listed, given, why in NEVER_ALIKE:
        yield one(rule, why, "add_note", {"text": [listed]}, {"text": given}, ARGUMENTS, ARGUMENTS)
        yield one(
            rule,
            f"{why}, in a list",
            "order",
            {"parts": [[listed]]},
            {"parts": [given]},
            ARGUMENTS,
            ARGUMENTS,
        )
        yield one(rule, "the same text", "add_note", {"text": [listed]}, {"text": listed}, RIGHT, RIGHT)


def _unicode() -> Iterator[Case]:
    rule = "unicode"
    for text in ("Zürich", "東京", "Łódź", "naïve", "ß", "🔧 pump", "\u0627\u0644\u0645", "e\u0301"):
        yield one(rule, "the same text", "add_note", {"text": [text]}, {"text": text}, RIGHT, RIGHT)
    yield one(rule, "case of a Greek letter", "add_note", {"text": ["Ω"]}, {"text": "ω"}, RIGHT, ARGUMENTS)
    yield one(rule, "case of a Cyrillic letter", "add_note", {"text": ["Ж"]}, {"text": "ж"}, RIGHT, ARGUMENTS)
    yield one(rule, "ß is not ss", "add_note", {"text": ["ß"]}, {"text": "ss"}, ARGUMENTS, ARGUMENTS)
    yield one(
        rule,
        "an invisible sign counts",
        "add_note",
        {"text": ["ab"]},
        {"text": "a\u200bb"},
        ARGUMENTS,
        ARGUMENTS,
    )
