"""What is drawn: the risky for certain, the rest by lot, with probabilities that estimates can rest on."""

from collections import Counter
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.reviews.sampling import Drawn, Evidence, draw
from aftertune.values.review import Risk


def evidence(
    subject: str, *scores: dict[str, float | None], refused: bool = False, length: int = 10
) -> Evidence:
    return Evidence(subject, scores or ({"exact": 1.0},), refused, length)


SCORES = st.dictionaries(st.sampled_from(["exact", "persona"]), st.none() | st.floats(0, 1), max_size=2)
CANDIDATES = st.lists(
    st.builds(
        Evidence,
        st.uuids().map(str),
        st.tuples(SCORES) | st.tuples(SCORES, SCORES),
        st.booleans(),
        st.integers(0, 5000),
    ),
    unique_by=lambda each: each.subject,
    max_size=40,
)


@given(CANDIDATES, st.integers(1, 30), st.floats(0.05, 1), st.text(max_size=8))
def test_probabilities_add_up_to_what_was_drawn(
    candidates: list[Evidence], items: int, share: float, seed: str
) -> None:
    drawn = draw(candidates, items, share, seed)
    subjects = [each.subject for each in drawn]
    assert len(set(subjects)) == len(subjects) == min(items, len(candidates))
    certain = [each for each in drawn if Risk.RANDOM not in each.reasons]
    by_lot = [each for each in drawn if Risk.RANDOM in each.reasons]
    assert all(each.probability == 1 for each in certain)
    # Horvitz and Thompson: the weights of what was drawn by lot stand for all that were not certain.
    assert sum(1 / each.probability for each in by_lot) == pytest.approx(
        len(candidates) - len(certain) if by_lot else 0
    )
    if len(candidates) > items:
        assert len(by_lot) >= max(1, round(items * share))
    assert draw(candidates, items, share, seed) == drawn
    assert draw(candidates[::-1], items, share, seed) == drawn


def test_each_risk_outweighs_all_that_come_after_it() -> None:
    candidates = [
        evidence("long", length=99),
        evidence("refusal", refused=True, length=99),
        evidence("low", {"exact": 0.4, "persona": 0.3}, refused=True),
        evidence("apart", {"exact": 1.0, "persona": 0.4}),
        evidence("flipped", {"exact": 1.0}, {"exact": 0.5}),
        *(evidence(f"plain-{number}") for number in range(45)),
    ]
    drawn = draw(candidates, 6, 0.1, "seed")
    assert [each.subject for each in drawn[:5]] == ["flipped", "apart", "low", "refusal", "long"]
    assert [each.reasons[0] for each in drawn[:5]] == [risk for risk in Risk if risk is not Risk.RANDOM]
    assert drawn[5].reasons == (Risk.RANDOM,)
    assert drawn[5].probability == 1 / 45


def test_the_lot_falls_on_all_alike() -> None:
    candidates = [evidence(f"s-{number}") for number in range(20)]
    counts = Counter(each.subject for seed in range(400) for each in draw(candidates, 5, 0.5, str(seed)))
    # 400 draws with probability ¼ each: 100, standard deviation 8.7.
    assert set(counts) == {each.subject for each in candidates}
    assert all(60 < count < 140 for count in counts.values())


def test_whom_the_risky_places_do_not_reach_the_lot_reaches_as_all_others() -> None:
    """More are equally risky than can be taken for certain: what is left of them is as likely as anything else."""
    truth = {f"s-{number}": float(number >= 50) for number in range(100)}
    candidates = [evidence(subject, {"exact": right}) for subject, right in truth.items()]
    means, risky = [], 0
    for seed in range(300):
        drawn = draw(candidates, 20, 0.3, str(seed))
        risky += sum(truth[each.subject] == 0 for each in drawn if Risk.RANDOM in each.reasons)
        means.append(sum(truth[each.subject] / each.probability for each in drawn) / len(truth))
    # 36 of the 86 others are risky. The mean of 300 estimates has a standard error of about 0.010.
    assert risky / (300 * 6) == pytest.approx(36 / 86, abs=0.05)
    assert mean(means) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize(("answers", "long"), [(10, ["s-9"]), (20, ["s-18", "s-19"]), (1, []), (5, [])])
def test_long_is_longer_than_nine_in_ten(answers: int, long: list[str]) -> None:
    drawn = draw([evidence(f"s-{n}", length=n) for n in range(answers)], 50, 0.3, "s")
    assert sorted(each.subject for each in drawn if Risk.LONG in each.reasons) == long


def test_all_are_taken_where_they_fit() -> None:
    candidates = [evidence("a"), evidence("b", {"exact": 0.0})]
    assert draw(candidates, 50, 0.3, "s") == [
        Drawn("b", 1.0, (Risk.LOW_SCORE,)),
        Drawn("a", 1.0, ()),
    ]
    assert draw([], 5, 0.3, "s") == []


def test_unmeasured_is_neither_low_nor_apart() -> None:
    unmeasured = evidence("a", {"exact": None, "persona": 1.0}, {"exact": 0.9, "persona": None})
    assert draw([unmeasured], 5, 0.3, "s")[0].reasons == ()


@pytest.mark.parametrize(("items", "share"), [(0, 0.3), (5, 0.0), (5, 1.1)])
def test_nonsense_is_refused(items: int, share: float) -> None:
    with pytest.raises(ValueError, match="items must be 1 or more"):
        draw([evidence("a")], items, share, "s")
