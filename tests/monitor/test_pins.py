"""What routers say of their pin files becomes one entry at each change."""

import json
from collections.abc import Mapping

import pytest

from aftertune.clock import ManualClock
from aftertune.store import Store
from aftertune.values.route import RouterLease
from monitor.pins import Pins
from tests.monitor.world import World


@pytest.fixture
def world(store: Store, clock: ManualClock) -> World:
    return World(store, clock, ("router-1",))


def say(world: World, router: str, pinned: Mapping[str, str]) -> None:
    lease = RouterLease(
        router=router, admin_url="http://r", revision=1, generations={"tasks": 1}, pinned=dict(pinned)
    )
    with world.store.write() as tx:
        tx.routing.renew(lease, world.clock.now())


def told(world: World) -> list[tuple[str, str, dict[str, str]]]:
    with world.store.read() as tx:
        return [
            (entry.action, entry.subject, json.loads(entry.body)["routers"])
            for entry in tx.audit.entries()
            if entry.action in ("pin", "unpin")
        ]


def test_each_change_is_written_once(world: World) -> None:
    pins = Pins(world.store, world.clock)
    pins.tick()
    assert told(world) == []
    for router, pinned in (
        ("router-1", {"tasks": "v1"}),
        ("router-2", {"tasks": "v1"}),
        ("router-1", {}),
        ("router-2", {}),
    ):
        say(world, router, pinned)
        for _ in range(3):
            pins.tick()
    assert told(world) == [
        ("pin", "tasks", {"router-1": "v1"}),
        ("pin", "tasks", {"router-1": "v1", "router-2": "v1"}),
        ("pin", "tasks", {"router-2": "v1"}),
        ("unpin", "tasks", {}),
    ]


def test_another_controller_goes_on_where_this_one_ended(world: World) -> None:
    say(world, "router-1", {"tasks": "v1"})
    Pins(world.store, world.clock).tick()
    sleeper = Pins(world.store, world.clock)
    sleeper.tick()
    say(world, "router-1", {})
    Pins(world.store, world.clock).tick()
    world.clock.advance(60)
    sleeper.tick()
    assert [action for action, _, _ in told(world)] == ["pin", "unpin"]


def test_a_silent_router_s_word_stands_until_it_is_forgotten(world: World) -> None:
    pins = Pins(world.store, world.clock)
    say(world, "router-1", {"tasks": "v1"})
    pins.tick()
    world.clock.advance(3600)
    pins.tick()
    assert len(told(world)) == 1
    with world.store.write() as tx:
        tx.routing.forget("router-1")
    pins.tick()
    assert [action for action, _, _ in told(world)] == ["pin", "unpin"]


def test_a_deployment_that_nobody_here_knows_is_not_written(world: World) -> None:
    say(world, "router-1", {"elsewhere": "v1"})
    Pins(world.store, world.clock).tick()
    assert told(world) == []


def test_the_controller_looks(world: World) -> None:
    say(world, "router-9", {"tasks": "v1"})
    world.tick()
    assert told(world) == [("pin", "tasks", {"router-9": "v1"})]
