"""What ratings settle on, and the labels that judges are calibrated against."""

import pytest

from aftertune.reviews.labels import Label, calibration_set, settled
from aftertune.reviews.queue import with_ratings
from aftertune.values.review import Rating
from tests.aftertune.reviews.campaigns import COMPARISON, GRADES, campaign, grade, item, preference


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ([], None),
        ([grade("it-0", "ann", 4)], None),
        ([grade("it-0", "ann", 4), grade("it-0", "bob", None)], None),
        ([grade("it-0", "ann", 4), grade("it-0", "bob", 4)], 4.0),
        ([grade("it-0", "ann", 4), grade("it-0", "bob", 5)], 4.5),
        ([grade("it-0", "ann", 2), grade("it-0", "bob", 5)], None),
        ([grade("it-0", "ann", 2), grade("it-0", "bob", 5), grade("it-0", "cyd", 3, adjudication=True)], 3.0),
        (
            [grade("it-0", "ann", 2), grade("it-0", "bob", 5), grade("it-0", "cyd", None, adjudication=True)],
            None,
        ),
    ],
)
def test_two_settle_a_grade_or_a_third_person_does(said: list[Rating], right: float | None) -> None:
    (rated,) = with_ratings([item(0)], said)
    assert settled(GRADES.criteria[0], rated) == right


def test_the_calibration_set_is_by_sample_release_and_criterion() -> None:
    said = [
        grade("it-0", "ann", 4, 1),
        grade("it-0", "bob", 5, 0),
        grade("it-1", "ann", 1, 0),
        grade("it-1", "bob", 1, 0),
        grade("it-2", "ann", 1, 0),
    ]
    rated = with_ratings([item(0), item(1, 0.25), item(2)], said)
    assert calibration_set(campaign(), rated) == [
        Label("s-0", "v2", "right", 4.5, 1.0),
        Label("s-1", "v2", "right", 1.0, 4.0),
        Label("s-1", "v2", "usable", 0.0, 4.0),
    ]


def test_a_preference_is_a_share_for_each_side() -> None:
    said = [
        preference(f"it-{n}", person, value)
        for n, value in enumerate((1, 0, -1))
        for person in ("ann", "bob")
    ]
    labels = calibration_set(campaign(COMPARISON), with_ratings([item(0), item(1), item(2)], said))
    assert [(label.sample, label.release, label.label) for label in labels] == [
        ("s-0", "v1", 0.0),
        ("s-0", "v2", 1.0),
        ("s-1", "v1", 0.5),
        ("s-1", "v2", 0.5),
        ("s-2", "v1", 1.0),
        ("s-2", "v2", 0.0),
    ]
