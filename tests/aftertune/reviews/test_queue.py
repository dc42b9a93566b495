"""Whose turn which item is: never twice, never a third by accident, never what somebody else holds."""

from collections.abc import Iterator
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from aftertune.reviews.blind import item_id, swapped
from aftertune.reviews.queue import Claim, Rated, disagreement, offered, progress, undecided, with_ratings
from aftertune.values.review import RATERS, Rating, Safety, SafetyCategory
from tests.aftertune.reviews.campaigns import AT, COMPARISON, GRADES, grade, item, preference

PEOPLE = ("ann", "bob", "cyd", "dee")
DANGER = Safety(category=SafetyCategory.HARMFUL)


def ids(rated: list[Rated], claims: list[Claim], reviewer: str, *, adjudicate: bool = False) -> list[str]:
    return [each.id for each in offered(GRADES, rated, claims, reviewer, AT, adjudicate=adjudicate)]


def test_in_the_order_of_risk_until_two_are_in() -> None:
    items = [item(0), item(1), item(2)]
    rated = with_ratings(items, [grade("it-0", "ann", 3), grade("it-1", "ann", 3), grade("it-1", "bob", 3)])
    assert ids(rated, [], "ann") == ["it-2"]
    assert ids(rated, [], "bob") == ["it-0", "it-2"]
    assert ids(rated, [], "cyd") == ["it-0", "it-2"]


def test_what_was_flagged_comes_first_and_tells_nothing_else() -> None:
    rated = with_ratings([item(0), item(1)], [grade("it-1", "ann", 3, safety=DANGER)])
    assert ids(rated, [], "bob") == ["it-1", "it-0"]


def test_a_claim_holds_an_item_until_it_is_over() -> None:
    rated = with_ratings([item(0), item(1)], [grade("it-0", "ann", 3)])
    held = [Claim("it-0", "bob", AT + timedelta(minutes=1))]
    assert ids(rated, held, "cyd") == ["it-1"]
    assert ids(rated, held, "bob") == ["it-0", "it-1"]
    assert ids(rated, [Claim("it-0", "bob", AT)], "cyd") == ["it-0", "it-1"]
    # What one holds comes before what is riskier.
    assert ids(rated, [Claim("it-1", "cyd", AT + timedelta(minutes=1))], "cyd") == ["it-1", "it-0"]


def test_a_third_person_decides_once() -> None:
    said = [grade("it-0", "ann", 1), grade("it-0", "bob", 4)]
    rated = with_ratings([item(0)], said)
    assert [ids(rated, [], person, adjudicate=True) for person in PEOPLE[:3]] == [[], [], ["it-0"]]
    held = [Claim("it-0", "dee", AT + timedelta(minutes=1))]
    assert ids(rated, held, "cyd", adjudicate=True) == []
    decided = with_ratings([item(0)], [*said, grade("it-0", "cyd", 4, adjudication=True)])
    assert ids(decided, [], "dee", adjudicate=True) == []
    assert progress(GRADES, decided).adjudicated == 1


def test_what_counts_as_a_disagreement() -> None:
    def differ(*ratings: Rating) -> bool:
        (rated,) = with_ratings([item(0)], ratings)
        return disagreement(COMPARISON if "preference" in ratings[0].values else GRADES, rated)

    assert not differ(grade("it-0", "ann", 3), grade("it-0", "bob", 4))
    assert differ(grade("it-0", "ann", 3), grade("it-0", "bob", 5))
    assert differ(grade("it-0", "ann", 3, 0), grade("it-0", "bob", 3, 1))
    assert not differ(grade("it-0", "ann", None, None), grade("it-0", "bob", 5, 1))
    assert differ(grade("it-0", "ann", 3, safety=DANGER), grade("it-0", "bob", 3))
    assert not differ(grade("it-0", "ann", 3, safety=DANGER), grade("it-0", "bob", 3, safety=DANGER))
    assert not differ(grade("it-0", "ann", 3, safety=DANGER))
    assert differ(preference("it-0", "ann", 0), preference("it-0", "bob", 1))
    assert not differ(preference("it-0", "ann", 1), preference("it-0", "bob", 1))


@given(st.data())
def test_people_who_take_turns_rate_everything_twice(data: st.DataObject) -> None:
    items = [item(number) for number in range(4)]
    said: list[Rating] = []
    claims: dict[str, Claim] = {}
    for turn in _turns(data):
        rated = with_ratings(items, said)
        holding = claims.pop(turn, None)
        if holding is not None and data.draw(st.booleans()):
            said.append(grade(holding.item, turn, data.draw(st.integers(1, 5)), minutes=len(said)))
            continue
        free = offered(GRADES, rated, list(claims.values()), turn, AT, adjudicate=False)
        if free:
            claims[turn] = Claim(free[0].id, turn, AT + timedelta(minutes=30))
    for each in with_ratings(items, said):
        assert len(each.first_hand) <= RATERS
        assert len({rating.reviewer for rating in each.ratings}) == len(each.ratings)
        assert undecided(GRADES, each) <= each.complete


def _turns(data: st.DataObject) -> Iterator[str]:
    yield from data.draw(st.lists(st.sampled_from(PEOPLE), min_size=20, max_size=40))


def test_the_order_of_sides_is_a_fair_coin_for_each_person() -> None:
    tosses = [swapped("seed", f"it-{number}", person) for number in range(500) for person in PEOPLE]
    # 2,000 tosses: 1,000, standard deviation 22.
    assert 900 < sum(tosses) < 1100
    both = [swapped("seed", f"it-{n}", "ann") == swapped("seed", f"it-{n}", "bob") for n in range(500)]
    assert 200 < sum(both) < 300
    assert swapped("seed", "it-1", "ann") == swapped("seed", "it-1", "ann")


def test_an_items_name_tells_nothing_of_its_sample() -> None:
    assert item_id("seed", "tools-007") != item_id("deed", "tools-007")
    assert "tools" not in item_id("seed", "tools-007")
