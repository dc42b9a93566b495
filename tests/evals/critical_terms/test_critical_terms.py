"""Terms to the letter."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.values.evaluation import Answer
from aftertune.values.exchange import ToolCall
from evals.scorers.critical_terms import critical_terms
from evals.scorers.scorer import Given, Scores
from evals.suite.sample import Sample
from evals.suite.scoring import CriticalTerms, Term


def term(kind: Any, text: str, *spellings: str) -> Term:
    return Term(kind=kind, text=text, spellings=spellings)


def scored(said: str, *terms: Term, forbidden: tuple[Term, ...] = ()) -> Scores:
    scoring = CriticalTerms(kind="critical_terms", terms=terms, forbidden=forbidden)
    return critical_terms.score(Sample(id="s", scoring=scoring), Given((Answer(text=said),)))


TORQUE = term("torque", "10 Nm", "10 N·m", "10Nm")
PART = term("part", "TX-15")


@pytest.mark.parametrize(
    ("wanted", "said", "kept"),
    [
        (TORQUE, "Tighten to 10 Nm.", True),
        (TORQUE, "Tighten to **10 N·m**, then stop", True),
        (TORQUE, "10\u202fNm (10\u00a0Nm)", True),
        (TORQUE, "(10Nm)", True),
        (TORQUE, "10 N m", False),
        (TORQUE, "10 Nm/s", False),
        (TORQUE, "10 N·m/rad", False),
        (TORQUE, "110 Nm", False),
        (TORQUE, "1.10 Nm", False),
        (TORQUE, "1,10 Nm", False),
        (TORQUE, "-10 Nm", False),
        (TORQUE, "8–10 Nm", False),
        (TORQUE, "10 nm", False),
        (TORQUE, "10 Nms", False),
        (TORQUE, "10 Nm²", False),
        (TORQUE, "10.0 Nm", False),
        (TORQUE, "7.4 lbf·ft", False),
        (term("torque", "8–10 Nm"), "between 8–10 Nm", True),
        (PART, "Fit TX-15, then", True),
        (PART, "`TX-15`", True),
        (PART, "_TX-15_", True),
        (PART, "Parts: TX-15/TX-16", False),
        (PART, "TX-15A", False),
        (PART, "TX-15-2", False),
        (PART, "ATX-15", False),
        (PART, "9-TX-15", False),
        (PART, "TX-15.2", False),
        (PART, "TX-15.", True),
        (PART, "TX-14,TX-15,TX-16", True),
        (PART, "tx-15", False),
        (PART, "TX 15", False),
        (term("quantity", "6 bar"), "6 bar.", True),
        (term("quantity", "6 bar"), "6 bara", False),
        (term("quantity", "6 bar"), "16 bar", False),
        (term("unit", "°C"), "at 80 °C", True),
        (term("code", "E-07"), "Alarm E-07: stop", True),
        (term("code", "E-07"), "E-071", False),
        (term("quantity", "M8×25"), "four M8×25 bolts", True),
        (term("quantity", "M8"), "four M8×25 bolts", False),
        (term("quantity", "10 µm"), "10 µm", True),
    ],
)
def test_a_term_is_kept_as_a_whole_or_not_at_all(wanted: Term, said: str, kept: bool) -> None:
    assert scored(said, wanted)["terms_kept"] == float(kept)


STEPS = (
    term("step", "lock out the drive"),
    term("step", "vent the line", "bleed the line"),
    term("step", "open the cover"),
)


@pytest.mark.parametrize(
    ("said", "in_order", "share"),
    [
        ("1. Lock out the drive. 2. Vent the line. 3. Open the cover.", 1.0, 1.0),
        ("Lock out the drive, bleed the line, open the cover", 1.0, 1.0),
        ("Vent the line, lock out the drive, open the cover", 0.0, 1.0),
        ("Lock out the drive, open the cover", 0.0, 2 / 3),
        ("Open the cover? No: lock out the drive, vent the line, then open the cover", 1.0, 1.0),
        ("", 0.0, 0.0),
    ],
)
def test_steps_have_an_order(said: str, in_order: float, share: float) -> None:
    found = scored(said, *STEPS)
    assert found["steps_in_order"] == in_order
    assert found["kept_step"] == pytest.approx(share)
    assert found["all_terms_kept"] == in_order


def test_a_forbidden_term_spoils_an_answer_that_keeps_all() -> None:
    found = scored("10 Nm, or was it 12 Nm?", TORQUE, forbidden=(term("torque", "12 Nm"),))
    assert found == {"terms_kept": 1.0, "all_terms_kept": 0.0, "no_forbidden_term": 0.0, "kept_torque": 1.0}


def test_each_kind_has_its_share() -> None:
    found = scored("10 Nm on TX-15", TORQUE, PART, term("part", "TX-16"))
    assert found == {
        "terms_kept": pytest.approx(2 / 3),
        "all_terms_kept": 0.0,
        "kept_torque": 1.0,
        "kept_part": 0.5,
    }


def test_a_tool_call_keeps_nothing() -> None:
    answer = Answer(text="10 Nm", tool_calls=(ToolCall(name="log", arguments="{}"),))
    sample = Sample(id="s", scoring=CriticalTerms(kind="critical_terms", terms=(TORQUE,)))
    assert critical_terms.score(sample, Given((answer,)))["terms_kept"] == 0.0


@given(st.text(), st.text(min_size=1, max_size=8).filter(str.strip))
def test_whatever_is_said_is_scored(said: str, wanted: str) -> None:
    found = scored(said, term("part", wanted), term("step", wanted), forbidden=(term("part", wanted),))
    assert all(isinstance(value, float) and 0 <= value <= 1 for value in found.values())


@settings(max_examples=25, deadline=None)
@given(st.from_regex(r"[A-Z]{2}-[0-9]{2,4}", fullmatch=True), st.sampled_from("0123456789ABZ"))
def test_a_longer_part_number_is_another_part(part: str, more: str) -> None:
    assert scored(f"Use {part}.", term("part", part))["terms_kept"] == 1.0
    for other in (f"{part}{more}", f"{more}{part}", f"{part}-{more}", f"{more}.{part}", f"{part}.{more}"):
        assert scored(f"Use {other} now.", term("part", part))["terms_kept"] == 0.0


def test_a_blank_term_would_be_in_every_answer() -> None:
    for text, spelling in ((" ", "x"), ("x", ""), ("x", "\u00a0")):
        with pytest.raises(ValueError, match="blank"):
            term("part", text, spelling)
