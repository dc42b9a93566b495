"""Campaigns are kept as they are; the database itself keeps a person from rating an item twice, and counts what they said."""

from datetime import timedelta
from random import Random

import pytest

from aftertune.errors import Conflict, NotFound
from aftertune.records import RatingRow
from aftertune.reviews.queue import offered, progress, with_ratings
from aftertune.store import Store
from aftertune.store.exchanges import Payload
from aftertune.values.review import CampaignState, Form, Rating, Safety, SafetyCategory
from tests.aftertune.reviews.campaigns import AT, COMPARISON, GRADES, campaign, grade, item, rating
from tests.aftertune.samples import exchange


def test_what_is_stored_comes_back(store: Store) -> None:
    older, newer = campaign(COMPARISON), campaign(id="rv-2", opened_at=AT + timedelta(days=1))
    items = [item(1), item(0, 0.5)]
    with store.write() as tx:
        tx.reviews.add(older, items)
        tx.reviews.add(newer, [])
    closed = older.model_copy(update={"state": CampaignState.CLOSED, "closed_by": "olga", "closed_at": AT})
    with store.write() as tx:
        tx.reviews.save(closed)
    with store.read() as tx:
        assert tx.reviews.latest() == [newer, closed]
        assert tx.reviews.latest(1) == [newer]
        assert tx.reviews.items("rv-1") == [item(0, 0.5), item(1)]
        assert tx.reviews.item("rv-1", "it-1") == item(1)
        with pytest.raises(NotFound, match="it-9"):
            tx.reviews.item("rv-1", "it-9")
        with pytest.raises(NotFound, match="rv-9"):
            tx.reviews.get("rv-9")


def test_nobody_rates_an_item_twice(store: Store) -> None:
    said = [grade("it-0", "ann", 4, why="a \x00 b"), grade("it-0", "bob", 2), grade("it-1", "ann", None)]
    with store.write() as tx:
        tx.reviews.add(campaign(), [item(0), item(1)])
        for rating in said:
            tx.reviews.rate(rating)
    with pytest.raises(Conflict, match="ann has rated this item already"), store.write() as tx:
        tx.reviews.rate(grade("it-0", "ann", 5))
    with pytest.raises(Conflict, match="refused the change"), store.write() as tx:
        tx.reviews._session.add(RatingRow(campaign="rv-1", item="it-0", reviewer="ann", body={}))
    with pytest.raises(Conflict, match="refused the change"), store.write() as tx:
        tx.reviews.rate(grade("it-9", "ann", 5))
    with store.read() as tx:
        assert tx.reviews.ratings("rv-1") == said
        assert tx.reviews.ratings("rv-1", "it-0") == said[:2]


def test_a_claim_is_one_and_ends_with_the_rating(store: Store) -> None:
    until = AT + timedelta(minutes=30)
    with store.write() as tx:
        tx.reviews.add(campaign(), [item(0), item(1)])
        tx.reviews.claim("rv-1", "it-0", "ann", AT)
        tx.reviews.claim("rv-1", "it-1", "ann", until)
        tx.reviews.claim("rv-1", "it-0", "bob", until)
    with store.write() as tx:
        held = sorted(tx.reviews.claims("rv-1"))
        assert held == [("it-0", "bob", until), ("it-1", "ann", until)]
        tx.reviews.rate(grade("it-1", "ann", 4))
        assert [claim.reviewer for claim in tx.reviews.claims("rv-1")] == ["bob"]
        tx.reviews.release_claims("rv-1")
        assert tx.reviews.claims("rv-1") == []


def test_questions_are_kept_once_for_each_dataset(store: Store) -> None:
    asked = {f"s-{number}": f"How many \x00 legs has animal {number}?" for number in range(1200)}
    with store.write() as tx:
        tx.questions.save("d1", asked)
        tx.questions.save("d1", {"s-0": "changed"})
        tx.questions.save("d2", {"s-0": "another suite"})
    with store.read() as tx:
        assert tx.questions.of("d1", asked) == asked
        assert tx.questions.of("d2", ["s-0", "s-1"]) == {"s-0": "another suite"}
        assert tx.questions.of("d3", ["s-0"]) == {}


def test_what_can_be_read_has_a_request_and_an_answer(store: Store) -> None:
    kept = {
        "both": Payload(b"{}", b"{}"),
        "no-answer": Payload(b"{}", b""),
        "no-request": Payload(b"", b"{}"),
        "nothing": None,
    }
    with store.write() as tx:
        for name, payload in kept.items():
            tx.exchanges.add(exchange(name), payload, None)
    with store.read() as tx:
        assert tx.exchanges.with_texts([*kept, "unknown"]) == {"both"}


PEOPLE = ("ann", "bob", "cyd", "dee")
DANGER = Safety(category=SafetyCategory.HARMFUL, note="a \x00 b \\u0000")


def _ratings(rng: Random, campaign: str, form: Form) -> list[Rating]:
    """Of a few items, by up to four people each; the last of four may decide."""
    return [
        rating(
            f"it-{number}",
            person,
            {
                each.name: rng.choice([None, *each.scale.values])
                for each in form.criteria
                if rng.random() < 0.9
            },
            minutes=rng.randrange(100),
            campaign=campaign,
            adjudication=person == "dee" and rng.random() < 0.7,
            safety=DANGER if rng.random() < 0.2 else None,
        )
        for number in range(7)
        for person in PEOPLE
        if rng.random() < 0.5
    ]


@pytest.mark.parametrize("seed", range(8))
def test_what_the_database_counts_is_what_the_queue_says(store: Store, seed: int) -> None:
    """Another campaign beside it does not count."""
    rng, until = Random(seed), AT + timedelta(minutes=30)
    forms = {"rv-1": GRADES, "rv-2": COMPARISON}
    items = {name: [item(n).model_copy(update={"campaign": name}) for n in range(7)] for name in forms}
    with store.write() as tx:
        for name, form in forms.items():
            tx.reviews.add(campaign(form, id=name), items[name])
            for each in _ratings(rng, name, form):
                tx.reviews.rate(each)
            for person in PEOPLE:
                if rng.random() < 0.7:
                    over = rng.choice([AT, until])
                    tx.reviews.claim(name, f"it-{rng.randrange(7)}", person, over)
    with store.read() as tx:
        for name, form in forms.items():
            rated = with_ratings(items[name], tx.reviews.ratings(name))
            claims = tx.reviews.claims(name)
            for person in (*PEOPLE, "eve"):
                found = tx.reviews.standing(campaign(form, id=name), person, AT)
                assert found.progress == progress(form, rated)
                assert found.rated == sum(each.by(person) is not None for each in rated)
                assert (found.left, found.disagreements) == tuple(
                    len(offered(form, rated, claims, person, AT, adjudicate=adjudicate))
                    for adjudicate in (False, True)
                )
            for complete_only in (False, True):
                assert tx.reviews.warnings(name, complete_only=complete_only) == [
                    (each.item.id, said.safety)
                    for each in rated
                    if each.complete or not complete_only
                    for said in each.ratings
                    if said.safety
                ]


def test_a_campaign_that_nobody_rated_is_counted_too(store: Store) -> None:
    with store.write() as tx:
        tx.reviews.add(campaign(), [item(0), item(1)])
        found = tx.reviews.standing(campaign(), "ann", AT)
        assert found.progress == progress(GRADES, with_ratings([item(0), item(1)], []))
        assert found[1:] == (0, 2, 0)
        assert tx.reviews.standing(campaign(id="rv-9"), "ann", AT).progress.items == 0
