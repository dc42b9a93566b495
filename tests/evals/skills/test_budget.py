"""A skill is within its budget only when the whole interval is, and overspent only when none of it is."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.stats.paired import paired_difference
from aftertune.values.evaluation import Better, Budget, Difference, Forgotten, SampleResult
from evals.conclusion.budget import Ends, budget
from evals.conclusion.conclude import conclude
from evals.suite.card import Role
from evals.suite.suite import Suite, load_suites
from tests.evals.world import SAID, asks, write_suite

Scores = list[float | None]

MARGIN, ITEMS = 0.1, 100
RIGHT: Scores = [1.0] * ITEMS
SKILLS = "by_task: true\nbudget: {metric: exact, margins: {reasoning: 0.1}}"


def _suite() -> Suite:
    """100 samples of reasoning and 100 of language, against the base, without a gate that matters."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        exact = {"kind": "exact_match", "answers": [SAID]}
        samples = [
            asks(f"{task}-{n:03}", "Say it", exact, task=task)
            for task in ("reasoning", "language")
            for n in range(ITEMS)
        ]
        write_suite(folder, "skills", samples, "exact_match", "exact", "difference_low", -1.0, "base", SKILLS)
        (folder / "tools.json").write_text(json.dumps([]))
        return load_suites(folder)["skills"]


SUITE = _suite()


def difference(low: float | None, high: float | None, better: Better = Better.HIGHER) -> Difference:
    return Difference(
        metric="right/reasoning",
        baseline="base",
        better=better,
        n=80,
        estimate=None if low is None or high is None else (low + high) / 2,
        low=low,
        high=high,
        smallest_detectable=0.07,
        method="Tango",
    )


def kept(found: Difference, possible: Sequence[Ends] | None = None) -> Budget:
    return budget("reasoning", MARGIN, found, possible or [(found.low, found.high)])


def concluded(scores: Scores, base: Scores) -> Budget:
    """Of reasoning, with these scores; all of language is right."""
    results = [
        SampleResult(
            run="r",
            sample=sample.id,
            release=release,
            scores={"exact": given_[number] if number < len(given_) else 1.0},
            error="",
        )
        for release, given_ in (("v1", scores), ("base", base))
        for number, sample in enumerate(SUITE.samples)
    ]
    (found,) = conclude(SUITE, "v1", {Role.BASE: "base"}, results).budgets
    return found


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
    found = kept(difference(low, high))
    assert (found.skill, found.baseline, found.state) == ("reasoning", "base", state)
    assert found.possible == (None if low is None or high is None else (-high, -low))


@given(st.floats(-1, 1), st.floats(0, 1))
def test_spent_and_left_make_the_margin_and_direction_does_not_matter(middle: float, half: float) -> None:
    ends = (middle - half, middle + half)
    found, mirrored = kept(difference(*ends)), kept(difference(-ends[1], -ends[0], Better.LOWER))
    assert found.spent is not None
    assert found.left is not None
    assert found.spent + found.left == pytest.approx(found.margin)
    assert (found.spent, found.spent_at_most, found.state) == pytest.approx(
        (mirrored.spent, mirrored.spent_at_most, mirrored.state)
    )


@pytest.mark.parametrize(
    ("possible", "state", "ends"),
    [
        ([(-0.05, 0.1), (-0.02, 0.2)], Forgotten.WITHIN, (-0.2, 0.05)),
        ([(-0.3, -0.15), (-0.4, -0.2)], Forgotten.OVERSPENT, (0.15, 0.4)),
        ([(-0.05, 0.1), (-0.11, 0.0)], Forgotten.UNKNOWN, (-0.1, 0.11)),
        ([(-0.05, 0.1), (None, None)], Forgotten.UNKNOWN, None),
    ],
)
def test_the_state_is_known_where_all_that_is_possible_agrees(
    possible: Sequence[Ends], state: Forgotten, ends: tuple[float, float] | None
) -> None:
    found = kept(difference(-0.05, 0.1), possible)
    assert (found.state, found.possible) == (state, ends)


def test_no_loss_is_zero_without_a_sign() -> None:
    found = kept(difference(0.0, 0.0))
    assert found.possible is not None
    assert [str(each) for each in (found.spent, found.spent_at_most, *found.possible)] == ["0.0"] * 4


def test_where_nothing_limits_what_is_unmeasured_nothing_is_known() -> None:
    found = budget("reasoning", MARGIN, difference(-0.01, 0.01), None)
    assert (found.state, found.possible) == (Forgotten.UNKNOWN, None)


def test_what_is_unmeasured_decides_only_where_it_could_turn_the_state() -> None:
    spared = concluded([None, None, *RIGHT[2:]], RIGHT)
    assert (spared.state, spared.n, spared.unmeasured) == (Forgotten.WITHIN, 98, 2)
    worst = paired_difference(0, 2, ITEMS)
    best = paired_difference(2, 0, ITEMS)
    assert spared.possible == pytest.approx((-best.high, -worst.low))

    assert concluded([*[None] * 5, *RIGHT[5:]], RIGHT).state is Forgotten.UNKNOWN
    gone: Scores = [*[0.0] * 40, *RIGHT[:58], None, None]
    assert concluded(gone, RIGHT).state is Forgotten.OVERSPENT


@settings(max_examples=25)
@given(st.integers(0, 30), st.integers(0, 4), st.lists(st.booleans(), min_size=4, max_size=4))
def test_whatever_the_unmeasured_are_a_known_state_stands(wrong: int, lost: int, said: list[bool]) -> None:
    rest = [*[0.0] * wrong, *[1.0] * (ITEMS - wrong - lost)]
    found = concluded([*[None] * lost, *rest], RIGHT)
    filled = concluded([*map(float, said[:lost]), *rest], RIGHT)
    assert found.state in (Forgotten.UNKNOWN, filled.state)
    assert found.possible is not None
    assert filled.possible is not None
    assert found.possible[0] <= filled.possible[0]
    assert filled.possible[1] <= found.possible[1]


def test_without_a_budget_there_is_none() -> None:
    plain = SUITE._replace(card=SUITE.card.model_copy(update={"budget": None}))
    assert conclude(plain, "v1", {Role.BASE: "base"}, []).budgets == ()
