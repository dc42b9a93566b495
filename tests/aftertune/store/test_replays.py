"""Which stored prompts a release is asked, and which pair its answers join."""

from datetime import timedelta
from typing import Any

import pytest

from aftertune.errors import NotFound
from aftertune.store import Store
from aftertune.store.exchanges import Payload
from aftertune.values.exchange import ExchangeRole
from tests.aftertune.samples import AT, exchange

HOUR = timedelta(hours=1)


def add(store: Store, name: str, *, hours: int = 0, payload: bool = True, **changes: Any) -> None:
    with store.write() as tx:
        leg = exchange(name, arrival=AT + hours * HOUR, **changes)
        tx.exchanges.add(leg, Payload(b"{}", b"{}") if payload else None, None)


def test_stable_legs_with_a_payload_are_replayed(store: Store) -> None:
    add(store, "a")
    add(store, "b", hours=1)
    add(store, "no payload", payload=False)
    add(store, "canary", role=ExchangeRole.CANARY)
    add(store, "its own", release="v2")
    add(store, "another's", deployment="other")
    add(store, "late", hours=9)

    window = ("tasks", "v2", AT, AT + 9 * HOUR)
    with store.read() as tx:
        assert [leg.exchange_id for leg in tx.replays.page(*window, "", 10)] == ["a", "b"]
        assert tx.replays.count(*window) == 2
        assert tx.replays.count("tasks", "v2", AT + HOUR, AT + 9 * HOUR) == 1


def test_pages_go_on_behind_the_last_leg(store: Store) -> None:
    for name in "abcde":
        add(store, name, hours=1 if name == "e" else 0)

    found: list[str] = []
    with store.read() as tx:
        while page := tx.replays.page("tasks", "v2", AT, AT + 9 * HOUR, found[-1] if found else "", 2):
            found += [leg.exchange_id for leg in page]
        with pytest.raises(NotFound, match="'zzz'"):
            tx.replays.page("tasks", "v2", AT, AT, "zzz", 2)
    assert found == ["a", "b", "c", "d", "e"]


def test_a_leg_joins_a_pair_once(store: Store) -> None:
    add(store, "a")
    add(store, "b", pair_id="p")

    for _ in range(2):
        with store.write() as tx:
            assert [tx.replays.join("a"), tx.replays.join("b")] == ["a", "p"]
    with store.read() as tx:
        assert [leg.pair_id for leg in tx.exchanges.legs("a")] == ["a"]
        with pytest.raises(NotFound, match="'zzz'"):
            tx.replays.join("zzz")


def test_what_a_release_has_answered_it_is_not_asked_again(store: Store) -> None:
    add(store, "a", pair_id="p1")
    add(store, "b", pair_id="p2")
    add(store, "c")
    add(store, "copy of a", pair_id="p1", role=ExchangeRole.SHADOW, release="v2")
    add(store, "copy of b", pair_id="p2", role=ExchangeRole.SHADOW, release="v3")

    with store.read() as tx:
        legs = tx.replays.page("tasks", "v2", AT, AT + HOUR, "", 10)
        assert tx.replays.answered("v2", legs) == {"a"}
        assert tx.replays.answered("v3", legs) == {"b"}
