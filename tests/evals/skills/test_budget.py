"""A skill is within its budget only when the whole interval is, and overspent only when none of it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.evaluation import Better, Difference, Forgotten
from evals.conclusion.budget import budgets
from evals.suite.card import BudgetCard

CARD = BudgetCard(metric="right", margins={"reasoning": 0.1})


def difference(
    low: float | None, high: float | None, better: Better = Better.HIGHER, lost: int = 0
) -> Difference:
    return Difference(
        metric="right/reasoning",
        baseline="base",
        better=better,
        n=80,
        unmeasured=lost,
        estimate=None if low is None or high is None else (low + high) / 2,
        low=low,
        high=high,
        smallest_detectable=0.07,
        method="Tango",
    )


@pytest.mark.parametrize(
    ("low", "high", "state"),
    [
        (-0.1, 0.1, Forgotten.WITHIN),
        (-0.11, 0.1, Forgotten.UNKNOWN),
        (-0.3, -0.1, Forgotten.UNKNOWN),
        (-0.3, -0.11, Forgotten.OVERSPENT),
        (None, None, Forgotten.UNKNOWN),
    ],
)
def test_the_state_stands_on_the_interval(low: float | None, high: float | None, state: Forgotten) -> None:
    (budget,) = budgets(CARD, [difference(low, high)])
    assert (budget.skill, budget.baseline, budget.state) == ("reasoning", "base", state)


@given(st.floats(-1, 1), st.floats(0, 1))
def test_spent_and_left_make_the_margin_and_direction_does_not_matter(middle: float, half: float) -> None:
    ends = (middle - half, middle + half)
    (budget,) = budgets(CARD, [difference(*ends)])
    (mirrored,) = budgets(CARD, [difference(-ends[1], -ends[0], Better.LOWER)])
    assert budget.spent is not None
    assert budget.left is not None
    assert budget.spent + budget.left == pytest.approx(budget.margin)
    assert (budget.spent, budget.spent_at_most, budget.state) == pytest.approx(
        (mirrored.spent, mirrored.spent_at_most, mirrored.state)
    )


def test_what_is_unmeasured_could_turn_it() -> None:
    (budget,) = budgets(CARD, [difference(-0.01, 0.01, lost=1)])
    assert budget.state is Forgotten.UNKNOWN


def test_without_a_budget_there_is_none() -> None:
    assert budgets(None, [difference(0, 0)]) == ()
