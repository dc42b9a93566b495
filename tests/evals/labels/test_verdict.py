"""What label, and what risk, an answer states."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.scorers.labels.verdict import verdict


@pytest.mark.parametrize(
    ("text", "label", "risk"),
    [
        ('{"label": "fraud", "risk": 0.9}', "fraud", 0.9),
        ('Here you are:\n```json\n{"label": "Fraud", "risk": "90%"}\n```', "fraud", 0.9),
        ("label: legitimate, risk: 0.2", "legitimate", 0.2),
        ("**Label:** Fraud\n**Risk:** 85 %.", "fraud", 0.85),
        ("risk = .5; label = fraud", "fraud", 0.5),
        ("fraud", "fraud", None),
        (" Fraud.\n", "fraud", None),
        ("Refund_not_showing_up", "refund not showing up", None),
        ("label: card-arrival", "card arrival", None),
        ('{"label": "fraud", "risk": 1.2}', "fraud", None),
        ('{"label": "fraud", "risk": true}', "fraud", None),
        ('{"label": "fraud", "risk": NaN}', "fraud", None),
        ('{"label": "fraud", "label": "legitimate"}', None, None),
        ('{"label": "fraud", "risk": 0.1, "risk": 0.9}', "fraud", None),
        ("label: fraud\nlabel: legitimate", None, None),
        ('{"label": null, "risk": 0.4}', None, 0.4),
        ('{"verdict": "fraud"}\nI am sure.', None, None),
        ("It could be fraud, but then again it could be an ordinary purchase.\nHard to say.", None, None),
        ("label: fraud\nrisk: high", "fraud", None),
        ("", None, None),
    ],
)
def test_what_is_stated(text: str, label: str | None, risk: float | None) -> None:
    found = verdict(text)
    assert found.label == label
    assert found.risk == (None if risk is None else pytest.approx(risk))


@settings(max_examples=50, deadline=None)
@given(st.text() | st.from_regex(r'(\{"(label|risk)": ?("[a-z%]*"|-?[0-9.e]{1,9})\} ?)+', fullmatch=True))
def test_nothing_in_a_text_raises(text: str) -> None:
    found = verdict(text)
    assert found.label != ""
    assert found.risk is None or 0 <= found.risk <= 1


def test_a_text_without_end_is_read_at_once() -> None:
    for text in ("{" * 200_000, "label" * 100_000, ", " * 100_000, '{"label": ' * 20_000):
        verdict(text)
