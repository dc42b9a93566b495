"""Pairs, leases, routing tables and the audit table."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from aftertune.audit import GENESIS, verify
from aftertune.errors import NotFound
from aftertune.store import Store
from aftertune.values.route import KeyGrant, Route, RouterLease, RoutingTable, Target
from tests.aftertune.samples import AT, pair

LATER = AT + timedelta(seconds=10)


def test_a_pair_stays_as_it_was_first_stored(store: Store) -> None:
    with store.write() as tx:
        tx.pairs.add(pair("q1"))
        tx.pairs.add(pair("q1", agreement=0.0))
    with store.read() as tx:
        assert tx.pairs.get("q1") == pair("q1")
        assert tx.pairs.latest("tasks", 5) == [pair("q1")]
        with pytest.raises(NotFound, match="no pair 'q2'"):
            tx.pairs.get("q2")
        assert tx.pairs.count("tasks") == 1


def test_pairs_of_two_releases_since_a_moment_oldest_first(store: Store) -> None:
    with store.write() as tx:
        for stored in (
            pair("late", at=LATER),
            pair("early"),
            pair("before", at=AT - timedelta(microseconds=1)),
            pair("swapped", stable_release="v2", candidate_release="v1"),
            pair("elsewhere", deployment="plants"),
        ):
            tx.pairs.add(stored)
    with store.read() as tx:
        assert [p.pair_id for p in tx.pairs.between("tasks", "v1", "v2", AT)] == ["early", "late"]
        assert [p.pair_id for p in tx.pairs.latest("tasks", 2)] == ["late", "early"]


def test_a_lease_has_one_holder_until_it_runs_out(store: Store) -> None:
    with store.write() as tx:
        assert tx.leases.acquire("controller", "a", AT, LATER)
        assert tx.leases.acquire("controller", "a", AT, LATER)
        assert not tx.leases.acquire("controller", "b", LATER - timedelta(microseconds=1), LATER)
        assert tx.leases.acquire("ingest", "b", AT, LATER)
        assert tx.leases.acquire("controller", "b", LATER, LATER + timedelta(seconds=10))
        assert not tx.leases.acquire("controller", "a", LATER, LATER + timedelta(seconds=10))


def test_a_table_is_published_under_the_next_revision_only_if_it_says_anything_new(store: Store) -> None:
    route = Route(
        deployment="tasks", generation=1, stable=Target(release="v1", url="http://e", served_name="v1")
    )
    with store.write() as tx:
        assert tx.routing.current() == RoutingTable(revision=0)
        assert tx.routing.publish(RoutingTable(revision=0), AT).revision == 0
        first = tx.routing.publish(RoutingTable(revision=77, routes=(route,)), AT)
        again = tx.routing.publish(RoutingTable(revision=0, routes=(route,)), AT)
        second = tx.routing.publish(
            RoutingTable(revision=0, routes=(route,), keys={"h": KeyGrant(name="olga")}), AT
        )
    assert (first.revision, again, second.revision) == (1, first, 2)
    with store.read() as tx:
        assert tx.routing.current() == second


def lease(router: str, revision: int) -> RouterLease:
    return RouterLease(router=router, admin_url="http://r", revision=revision, generations={"tasks": 1})


def test_a_router_s_newest_lease_is_kept(store: Store) -> None:
    with store.write() as tx:
        tx.routing.renew(lease("r2", 1), AT)
        tx.routing.renew(lease("r1", 1), AT)
        tx.routing.renew(lease("r1", 2), LATER)
    with store.read() as tx:
        assert tx.routing.routers() == [(lease("r1", 2), LATER), (lease("r2", 1), AT)]
    with store.write() as tx:
        tx.routing.forget("r2")
        tx.routing.forget("nobody")
    with store.read() as tx:
        assert [known.lease.router for known in tx.routing.routers()] == ["r1"]


def test_a_router_that_is_silent_for_a_day_is_forgotten_when_another_comes(store: Store) -> None:
    for name, until in (
        ("gone", AT - timedelta(days=1, seconds=1)),
        ("silent", AT - timedelta(hours=23)),
        ("new", AT),
    ):
        with store.write() as tx:
            tx.routing.renew(lease(name, 1), until)
    with store.read() as tx:
        assert [known.lease.router for known in tx.routing.routers()] == ["new", "silent"]


def test_entries_are_chained_as_they_are_appended(store: Store) -> None:
    with store.write() as tx:
        first = tx.audit.append(AT, "olga", "create", "tasks")
        second = tx.audit.append(AT, "olga", "freeze", "plants", {"why": "audit"})
    with store.read() as tx:
        assert list(tx.audit.entries()) == [first, second]
        assert tx.audit.latest(1) == [second]
        assert tx.audit.latest(5, subject="tasks") == [first]
    assert (first.prev_hash, second.prev_hash, second.seq) == (GENESIS, first.hash, 2)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'paul' WHERE seq = 2",
        "UPDATE audit SET body = '{}' WHERE seq = 2",
        "UPDATE audit SET at = '2026-01-06 00:00:00.000000' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
    ],
)
def test_a_change_behind_the_program_s_back_shows(store: Store, statement: str) -> None:
    with store.write() as tx:
        for number in range(3):
            tx.audit.append(AT, "olga", "note", "tasks", {"number": number})
    with store.engine.begin() as connection:
        connection.execute(text(statement))
    with store.read() as tx:
        found = verify(tx.audit.entries())
    assert (found.ok, found.first_bad, found.entries) == (False, 2, 1)
