"""Feedback meets its exchange whichever comes first, and each voice counts once."""

from datetime import timedelta
from typing import Any

import pytest

from aftertune.errors import IdempotencyReuse
from aftertune.store import Store
from aftertune.store.feedback import Tally
from aftertune.values.exchange import ExchangeRole
from aftertune.values.feedback import Feedback, FeedbackKind
from tests.aftertune.samples import AT, exchange

DAY = timedelta(days=1)


def thumb(name: str, request: str = "q1", *, up: bool | None = True, **changes: Any) -> Feedback:
    known: dict[str, Any] = {
        "id": name,
        "request_id": request,
        "kind": FeedbackKind.THUMB,
        "up": up,
        "given_by": "app",
        "at": AT,
    }
    return Feedback.model_validate(known | changes)


def correction(name: str, request: str = "q1") -> Feedback:
    return thumb(name, request, kind=FeedbackKind.CORRECTION, up=None, text="better")


def add(store: Store, *feedback: Feedback) -> list[bool]:
    with store.write() as tx:
        return [tx.feedback.add(each) for each in feedback]


def answer(store: Store, name: str, request: str = "q1", **changes: Any) -> None:
    with store.write() as tx:
        tx.exchanges.add(exchange(name, request_id=request, **changes), None, None)


def test_it_is_stored_once(store: Store) -> None:
    assert add(store, thumb("a"), thumb("a", at=AT + DAY), thumb("b")) == [True, False, True]

    with store.read() as tx:
        assert [each.id for each in tx.feedback.of("q1")] == ["a", "b"]
    with pytest.raises(IdempotencyReuse, match="'a'"):
        add(store, thumb("a", up=False))
    with pytest.raises(IdempotencyReuse, match="'a'"):
        add(store, thumb("a", given_by="somebody else"))


def test_it_is_joined_to_an_exchange_that_was_there(store: Store) -> None:
    answer(store, "e1")
    add(store, thumb("a"))

    with store.read() as tx:
        assert [each.deployment for each in tx.feedback.of("q1")] == ["tasks"]
        assert [each.id for each in tx.feedback.latest("tasks", 10)] == ["a"]


def test_it_is_joined_to_an_exchange_that_comes_later(store: Store) -> None:
    add(store, thumb("a"))
    with store.read() as tx:
        assert [each.deployment for each in tx.feedback.of("q1")] == [None]
        assert tx.feedback.tally("tasks", AT) == []
        assert tx.feedback.latest("tasks", 10) == []
    answer(store, "e1")

    with store.read() as tx:
        assert [each.deployment for each in tx.feedback.of("q1")] == ["tasks"]
        assert [each.deployment for each in tx.feedback.latest("tasks", 10)] == ["tasks"]
        assert tx.feedback.tally("tasks", AT) == [Tally("v1", 1, 1, 0, 0)]
        assert tx.feedback.tally("other", AT) == []


def test_a_shadow_is_nothing_that_a_user_saw(store: Store) -> None:
    answer(store, "copy", role=ExchangeRole.SHADOW, release="v2")
    add(store, thumb("a"))

    with store.read() as tx:
        assert tx.feedback.deployment_of("q1") is None
        assert tx.feedback.tally("tasks", AT) == []


def test_tallies_are_by_the_release_that_the_user_saw(store: Store) -> None:
    for number, (release, role) in enumerate(
        (("v1", ExchangeRole.STABLE), ("v1", ExchangeRole.STABLE), ("v2", ExchangeRole.CANARY))
    ):
        answer(store, f"e{number}", f"q{number}", release=release, role=role)
        answer(store, f"copy{number}", f"q{number}", release="v9", role=ExchangeRole.SHADOW)
    label = thumb("l", "q2", kind=FeedbackKind.LABEL, up=None, label="tone")
    add(store, thumb("a", "q0"), thumb("b", "q1", up=False), thumb("c", "q2", up=False))
    add(store, correction("d", "q1"), label)

    with store.read() as tx:
        assert tx.feedback.tally("tasks", AT) == [Tally("v1", 1, 2, 1, 0), Tally("v2", 0, 1, 0, 1)]
        assert tx.feedback.tally("tasks", AT + DAY) == []


def test_the_last_word_of_an_end_user_counts(store: Store) -> None:
    answer(store, "e1")
    for number in range(5):
        add(store, thumb(f"a{number}", end_user="u1", up=number != 4, at=AT + number * DAY))
    add(store, thumb("b", end_user="u2"), thumb("c", end_user="u1", given_by="another app"))

    with store.read() as tx:
        assert tx.feedback.tally("tasks", AT) == [Tally("v1", 2, 3, 0, 0)]


def test_a_request_id_that_is_used_again_speaks_of_the_newest_exchange(store: Store) -> None:
    answer(store, "e1", release="v1")
    answer(store, "e2", release="v2", arrival=AT + DAY)
    add(store, thumb("a"))

    with store.read() as tx:
        assert tx.feedback.tally("tasks", AT) == [Tally("v2", 1, 1, 0, 0)]


def test_feedback_that_names_another_deployment_is_not_counted(store: Store) -> None:
    add(store, thumb("a", deployment="other"))
    answer(store, "e1")

    with store.read() as tx:
        assert tx.feedback.tally("tasks", AT) == []
