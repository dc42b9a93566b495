"""What the patterns find and what they leave, measured on labelled texts; and that no text takes them long."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.redaction.patterns import ALL, DETECTORS, KINDS, redacted

EVERYTHING = frozenset(KINDS)
RECALL = {"EMAIL": 13 / 14, "PHONE": 23 / 25, "SECRET": 19 / 20}
"""Of the labelled texts, where it is not all: what nobody's form tells (`john at example dot com`)."""


class Labelled(NamedTuple):
    """A text, and the parts of it that must vanish as this kind; none: it must stay."""

    kind: str | None
    text: str
    hidden: tuple[str, ...]


def labelled() -> list[Labelled]:
    lines = (Path(__file__).parent / "labelled.jsonl").read_text().splitlines()
    rows = map(json.loads, lines)
    return [Labelled(row["kind"], row["text"], tuple(row["hidden"])) for row in rows]


LABELLED = labelled()


def found(case: Labelled) -> bool:
    text = redacted(case.text, EVERYTHING)
    return f"[{case.kind}]" in text and not any(part in text for part in case.hidden)


def test_there_are_enough_labelled_texts() -> None:
    assert sum(not case.hidden for case in LABELLED) >= 100
    assert sum(bool(case.hidden) for case in LABELLED) >= 100
    assert {case.kind for case in LABELLED} == {None, *KINDS}


def test_recall_is_what_the_documentation_says() -> None:
    positives = [case for case in LABELLED if case.hidden]
    of, hits = (
        Counter(case.kind for case in positives),
        Counter(case.kind for case in positives if found(case)),
    )
    assert {kind: hits[kind] / of[kind] for kind in KINDS} == {kind: RECALL.get(kind, 1.0) for kind in KINDS}


@pytest.mark.parametrize("text", [case.text for case in LABELLED if not case.hidden])
def test_what_identifies_nobody_stays(text: str) -> None:
    assert redacted(text, EVERYTHING) == text


@pytest.mark.parametrize("case", [case for case in LABELLED if case.hidden], ids=lambda case: case.text[:40])
def test_redacting_again_changes_nothing(case: Labelled) -> None:
    once = redacted(case.text, EVERYTHING)
    assert redacted(once, EVERYTHING) == once


def test_only_the_kinds_that_are_asked_for_go() -> None:
    text = "john@example.com called from +49 170 1234567"
    assert redacted(text, frozenset({"PHONE"})) == "john@example.com called from [PHONE]"
    assert redacted(text, frozenset({"EMAIL"})) == "[EMAIL] called from +49 170 1234567"
    assert redacted(text, frozenset()) == text


def test_a_text_that_keeps_yielding_is_replaced_as_a_whole() -> None:
    text = "0170 " * 100
    assert redacted(text, EVERYTHING) in (text, ALL)


SCRAPS = st.sampled_from(
    [
        *(part for case in LABELLED for part in case.hidden),
        *(case.text for case in LABELLED if not case.hidden),
        *(
            "[EMAIL]",
            "[PHONE]",
            "tel ",
            "ssn ",
            "password=",
            "Bearer ",
            "+",
            "-",
            "@",
            ".",
            "0",
            "://a:",
            "é",
            "\n",
        ),
    ]
)


@settings(max_examples=300)
@given(st.lists(SCRAPS | st.text(max_size=8), max_size=10).map("".join))
def test_the_result_is_a_fixed_point(text: str) -> None:
    once = redacted(text, EVERYTHING)
    assert redacted(once, EVERYTHING) == once


HOSTILE = (
    *(
        "a",
        "1",
        "a@",
        "a.",
        "1.",
        "1 ",
        "-",
        "DE11 ",
        "4111 ",
        "+1 ",
        "a:",
        "password=",
        "bearer ",
        "://a:",
        "eyJ.",
    ),
    *(
        "1-",
        "(0",
        "a@a.",
        "é",
        "9-",
        "SSN ",
        "ssn 123-45-6789 ",
        "tel ",
        "a-",
        "_",
        "sk-",
        "::",
        "f:",
        "password_",
    ),
    *("-----BEGIN PRIVATE KEY-----", "eyJaaaaaaaaa.", "a@a.xn--", "call me me me ", "0170 ", "data:a;a"),
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_texts_take_linear_time(piece: str) -> None:
    """What is quadratic takes minutes at this length; the slowest of these takes about half a second."""
    text = piece * (100_000 // len(piece))
    start = time.process_time()
    redacted(text, EVERYTHING)
    assert time.process_time() - start < 10


def test_a_megabyte_of_the_worst_takes_seconds() -> None:
    start = time.process_time()
    redacted("0170 " * 200_000, EVERYTHING)
    assert time.process_time() - start < 60


def test_every_detector_finds_something() -> None:
    texts = [case.text for case in LABELLED if case.hidden]
    idle = [d.pattern.pattern for d in DETECTORS if not any(d.pattern.search(text) for text in texts)]
    assert idle == []
