"""Agreement and findings: known answers, weights, and what is not defined said so."""

import random
from statistics import mean

import pytest

from aftertune.reviews.queue import with_ratings
from aftertune.reviews.results import FEWEST_SHARED, results
from aftertune.reviews.sampling import Evidence, draw
from aftertune.stats.agreement import cohen_kappa, krippendorff_alpha
from aftertune.values.review import Rating
from tests.aftertune.reviews.campaigns import COMPARISON, campaign, grade, item, preference


def test_without_ratings_nothing_is_said() -> None:
    found = results(campaign(), with_ratings([item(0)], []))
    assert [(each.n, each.estimate) for each in found.agreements] == [(0, None)] * 2
    assert [(each.n, each.estimate) for each in found.findings] == [(0, None)] * 2
    assert found.agreements[0].method == "Nothing was rated twice"


def test_where_all_say_the_same_agreement_is_not_defined() -> None:
    said = [grade(f"it-{n}", person, 5) for n in range(12) for person in ("ann", "bob")]
    found = results(campaign(items=12), with_ratings([item(n) for n in range(12)], said))
    alpha, kappa = found.agreements[0], found.agreements[1]
    assert (alpha.n, alpha.estimate, kappa.raters, kappa.estimate) == (12, None, ("ann", "bob"), None)
    assert "not defined" in alpha.method
    assert (found.findings[0].estimate, found.findings[0].low) == (5.0, None)


def test_alpha_counts_everybody_kappa_each_two_and_neither_the_third_person() -> None:
    rng = random.Random(5)
    said: list[Rating] = []
    for n in range(30):
        truth = rng.randint(1, 5)
        people = ("ann", "bob") if n < 20 else ("bob", "cyd")
        said += [
            grade(f"it-{n}", person, min(5, max(1, truth + rng.choice((-1, 0, 0, 1)))), minutes=n)
            for person in people
        ]
    said.append(grade("it-0", "dee", 1, adjudication=True, minutes=99))
    found = results(campaign(items=30), with_ratings([item(n) for n in range(30)], said))
    right = [each for each in found.agreements if each.criterion == "right"]
    assert [(each.raters, each.n) for each in right] == [
        ((), 30),
        (("ann", "bob"), 20),
        (("bob", "cyd"), FEWEST_SHARED),
    ]
    for each in right:
        assert each.estimate is not None
        assert each.low is not None
        assert each.high is not None
        assert each.low < each.estimate < each.high
    values: dict[str, dict[str, int]] = {rating.reviewer: {} for rating in said}
    for rating in said:
        value = rating.values["right"]
        assert value is not None
        values[rating.reviewer][rating.item] = value
    shared = sorted(values["ann"])
    assert right[1].estimate == cohen_kappa(
        [values["ann"][each] for each in shared],
        [values["bob"][each] for each in shared],
        "quadratic",
        scale=(1, 2, 3, 4, 5),
    )


@pytest.mark.parametrize("seed", range(6))
def test_alpha_is_that_of_the_whole_table_however_many_rated(seed: int) -> None:
    rng, people = random.Random(seed), ("ann", "bob", "cyd", "dee")
    said = [
        grade(f"it-{n}", person, rng.choice((None, 1, 2, 4, 5)), rng.choice((0, 1)))
        for n in range(25)
        for person in rng.sample(people, rng.randint(0, 4))
    ]
    found = results(campaign(items=25), with_ratings([item(n) for n in range(25)], said))
    by_person = {(each.reviewer, each.item): each.values for each in said}
    for name, level in (("right", "ordinal"), ("usable", "nominal")):
        (alpha,) = (each for each in found.agreements if each.criterion == name and not each.raters)
        table = [[by_person.get((p, f"it-{n}"), {}).get(name) for n in range(25)] for p in people]
        assert alpha.statistic == f"krippendorff_alpha, {level}"
        assert alpha.estimate == pytest.approx(
            krippendorff_alpha(table, "ordinal" if level == "ordinal" else "nominal"), abs=1e-12
        )


def test_findings_speak_of_the_whole_frame() -> None:
    """Risky answers are bad and all taken: the plain mean of what was rated is far off, the weighted one is not."""
    rng = random.Random(7)
    truth = {f"s-{n}": 1 if n < 60 else rng.choice((4, 5)) for n in range(600)}
    candidates = [
        Evidence(subject, ({"exact": 0.0 if rating == 1 else 1.0},), refused=False, length=10)
        for subject, rating in truth.items()
    ]
    drawn = draw(candidates, 200, 0.7, "seed")
    items = [
        item(n, each.probability).model_copy(update={"subject": each.subject}) for n, each in enumerate(drawn)
    ]
    said = [grade(each.id, person, truth[each.subject]) for each in items for person in ("ann", "bob")]
    found = results(campaign(items=200, frame=600), with_ratings(items, said)).findings[0]
    whole, seen = mean(truth.values()), mean(truth[each.subject] for each in items)
    assert found.estimate == pytest.approx(whole, abs=0.1)
    assert abs(seen - whole) > 0.5
    assert found.low is not None
    assert found.high is not None
    assert found.low < whole < found.high
    assert (found.n, found.unsettled, found.frame) == (200, 0, 600)


def test_a_preference_is_told_of_the_side_under_test_and_of_the_left() -> None:
    said = [
        preference(f"it-{n}", person, 1 if n < 9 else -1, swapped=person == "ann")
        for n in range(12)
        for person in ("ann", "bob")
    ]
    found = results(campaign(COMPARISON, items=12), with_ratings([item(n) for n in range(12)], said))
    (finding,) = found.findings
    assert (finding.release, finding.estimate) == ("v2", 0.75)
    # Ann sees side 1 on the left, Bob on the right.
    assert (found.left_preferred, found.left_decided) == (12, 24)


def test_the_same_ratings_give_the_same_results() -> None:
    said = [
        grade(f"it-{n}", person, 1 + (n * 7 + len(person)) % 5) for n in range(15) for person in ("al", "bob")
    ]
    rated = with_ratings([item(n) for n in range(15)], said)
    assert results(campaign(items=15), rated) == results(campaign(items=15), rated)
