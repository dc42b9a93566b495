"""Medians and ratios over rounds."""

from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.router.figures import Figure, cpu_us, figure, misrecorded, over_rounds, per_core, ratio, worst
from benchmarks.router.reading import Record
from tests.benchmarks.router.samples import reading

COSTS = st.lists(st.floats(1, 1e6), min_size=1, max_size=9)


@given(COSTS)
def test_a_figure_lies_within_its_range(values: list[float]) -> None:
    found = figure(values)
    assert found == Figure(median(values), min(values), max(values), len(values))
    assert found.least <= found.value <= found.greatest


def test_rounds_without_a_value_do_not_count() -> None:
    assert figure([None, 3.0, None]) == Figure(3.0, 3.0, 3.0, 1)
    assert figure([None]) is None
    assert worst([None]) is None


@given(COSTS)
def test_the_worst_is_not_hidden(values: list[float]) -> None:
    high, low = worst(values), worst(values, most=False)
    assert high is not None
    assert low is not None
    assert (high.value, low.value) == (max(values), min(values))


@given(st.lists(st.tuples(st.floats(1, 1e4), st.floats(0.1, 50)), min_size=1, max_size=9))
def test_ratios_are_taken_inside_a_round(rounds: list[tuple[float, float]]) -> None:
    """A machine that is slower in one round does not change them."""
    readings = [
        each
        for number, (base, factor) in enumerate(rounds)
        for each in (reading("a", number, cpu_us=base * factor), reading("b", number, cpu_us=base))
    ]
    found = ratio(readings, "a", "b", cpu_us)
    assert found is not None
    assert abs(found.value - median(factor for _, factor in rounds)) < 1e-6 * found.value


def test_a_round_that_only_one_took_part_in_has_no_ratio() -> None:
    readings = [reading("a", 1, cpu_us=50), reading("b", 2, cpu_us=100), reading("a", 2, cpu_us=200)]
    assert ratio(readings, "a", "b", cpu_us) == Figure(2.0, 2.0, 2.0, 1)
    assert ratio(readings, "a", "c", cpu_us) is None


def test_capacity_is_the_inverse_of_cost() -> None:
    assert over_rounds([reading("a", cpu_us=100)], "a", per_core) == Figure(10_000, 10_000, 10_000, 1)
    assert per_core(reading("a", cpu_us=0)) is None


def test_lost_and_doubled_records_do_not_cancel_out() -> None:
    record = Record(stable_expected=10, stable_found=9, shadow_expected=10, shadow_found=11, gaps=0)
    assert misrecorded(reading("ours", record=record)) == 2
    assert not record.exact
    assert not Record(1, 1, 1, 1, gaps=1).exact
    assert Record(1, 1, 1, 1, gaps=0).exact
