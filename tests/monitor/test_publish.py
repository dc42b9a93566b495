"""Keys reach the routing table, and leave it when their time is over."""

from datetime import datetime, timedelta

import pytest

from aftertune.clock import ManualClock
from aftertune.identity import Role, token_hash
from aftertune.store import Store
from aftertune.values.api_key import ApiKey
from aftertune.values.route import KeyGrant, RoutingTable
from tests.monitor.world import World

GRANT = KeyGrant(name="app", deployments=("tasks",), requests_a_minute=60)
KEY = token_hash("token-of-app")
USER = token_hash("token-of-olga")


@pytest.fixture
def world(store: Store, clock: ManualClock) -> World:
    return World(store, clock)


def add(world: World, expires_at: datetime | None = None) -> ApiKey:
    key = ApiKey(grant=GRANT, created_by="admin", created_at=world.clock.now(), expires_at=expires_at)
    with world.store.write() as tx:
        tx.api_keys.add(key, "token-of-app")
    return key


def in_force(world: World) -> RoutingTable:
    """What the world's one router serves by."""
    (router,) = world.routers.values()
    return router.table


def test_people_and_applications_are_in_one_table(world: World) -> None:
    add(world)
    with world.store.write() as tx:
        tx.users.add("olga", frozenset({Role.OPERATOR}), "token-of-olga", world.clock.now())
        tx.users.add("vera", frozenset({Role.VIEWER}), "token-of-vera", world.clock.now())
    table = world.publisher.publish()
    assert table.keys == {KEY: GRANT, USER: KeyGrant(name="olga")}
    assert in_force(world) == table


def test_a_key_leaves_the_table_by_itself(world: World) -> None:
    ends = world.clock.now() + timedelta(seconds=5)
    add(world, ends)
    first = world.publisher.publish()
    assert KEY in first.keys
    assert world.publisher.publish() == first
    world.clock.advance(5)
    world.publisher.publish()
    assert KEY not in in_force(world).keys
    assert in_force(world).revision == first.revision + 1
    assert in_force(world).routes == first.routes


def test_a_change_and_a_revocation_are_published(world: World) -> None:
    key = add(world)
    world.publisher.publish()
    wider = key.model_copy(update={"grant": GRANT.model_copy(update={"requests_a_minute": 90})})
    with world.store.write() as tx:
        tx.api_keys.change(wider, world.clock.now())
    world.publisher.publish()
    assert in_force(world).keys[KEY].requests_a_minute == 90
    with world.store.write() as tx:
        tx.api_keys.revoke("app", "admin", world.clock.now())
    world.publisher.publish()
    assert in_force(world).keys == {}
