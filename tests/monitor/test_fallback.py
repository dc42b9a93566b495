"""What routers say of previous good becomes one entry when it begins and one when it ends."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.clock import ManualClock
from aftertune.store import Store
from aftertune.telemetry import FALLEN_BACK
from aftertune.values.route import RouterLease
from monitor.fallback import RETURN_AFTER, said
from tests.monitor.world import World


@pytest.fixture
def world(store: Store, clock: ManualClock) -> World:
    world = World(store, clock, ("router-1", "router-2"))
    world.start_rollout("v2", fall_back=True)
    world.approve("ada", "ben")
    world.pairs(100)
    world.tick()
    world.answers(20)
    world.tick()
    assert world.deployment.fall_back
    return world


def say(world: World, *routers: str, release: str = "v1") -> None:
    """Only these routers go on saying that the release answers; all renew their leases."""
    for router in world.routers.values():
        router.fallen_back = {"tasks": release} if router.name in routers else {}
    world.renew()


def long_after(world: World) -> None:
    """Until what ended counts as over; the controller never sleeps so long."""
    for _ in range(1 + int(RETURN_AFTER.total_seconds() / 5)):
        world.clock.advance(5)
        world.tick()


def told(world: World) -> list[tuple[str, dict[str, Any]]]:
    with world.store.read() as tx:
        return [
            (entry.action, json.loads(entry.body))
            for entry in tx.audit.entries()
            if entry.action in ("fall_back", "return")
        ]


def actions(world: World) -> list[str]:
    return [action for action, _ in told(world)]


def gauge(world: World) -> float | None:
    return world.metrics.registry.get_sample_value(FALLEN_BACK, {"deployment": "tasks"})


def test_the_promoted_plan_gives_routers_somewhere_to_go(world: World) -> None:
    for router in world.routers.values():
        route = router.table.route("tasks")
        assert route is not None
        assert route.fallback is not None
        assert (route.stable.release, route.fallback.release) == ("v2", "v1")


def test_one_entry_however_many_routers_say_it(world: World) -> None:
    say(world, "router-1", "router-2")
    world.tick(5)
    say(world, "router-2")
    world.tick(5)
    ((action, body),) = told(world)
    assert action == "fall_back"
    assert (body["from"], body["to"], body["routers"]) == ("v2", "v1", ["router-1", "router-2"])
    assert gauge(world) == 1
    generation = world.deployment.generation
    say(world)
    world.tick()
    quiet = world.clock.now()
    long_after(world)
    assert actions(world) == ["fall_back", "return"]
    ended = told(world)[1][1]
    assert (ended["from"], ended["to"]) == ("v1", "v2")
    assert (ended["since"], ended["until"]) == (body["since"], quiet.isoformat())
    assert gauge(world) == 0
    assert world.deployment.generation == generation, "nothing was switched by the control plane"


def test_an_engine_that_comes_and_goes_is_one_incident(world: World) -> None:
    for _ in range(10):
        say(world, "router-1")
        world.tick(8)
        say(world)
        world.tick(8)
    assert actions(world) == ["fall_back"]
    long_after(world)
    say(world, "router-1")
    world.tick()
    assert actions(world) == ["fall_back", "return", "fall_back"], "a new incident is told again"


def test_a_restart_of_the_monitor_says_nothing_twice(world: World) -> None:
    say(world, "router-1")
    world.tick()
    world.restart()
    world.tick(3)
    assert actions(world) == ["fall_back"]
    assert gauge(world) == 1
    say(world)
    world.restart()
    world.tick()
    long_after(world)
    world.restart()
    world.tick(3)
    assert actions(world) == ["fall_back", "return"]


def test_while_no_router_is_heard_nothing_is_over(world: World) -> None:
    say(world, "router-1")
    world.tick()
    world.renew(seconds=0.1)
    long_after(world)
    long_after(world)
    assert actions(world) == ["fall_back"]


def test_a_rollback_ends_it(world: World) -> None:
    say(world, "router-1")
    world.tick()
    world.ask_back()
    world.tick(3)
    assert (world.deployment.stable, world.deployment.fall_back) == ("v1", False)
    for router in world.routers.values():
        route = router.table.route("tasks")
        assert route is not None
        assert route.fallback is None
    say(world)
    world.tick()
    long_after(world)
    assert actions(world) == ["fall_back", "return"]
    assert told(world)[1][1]["to"] == "v1"


def test_a_deployment_that_nobody_knows_is_passed_over(world: World) -> None:
    for router in world.routers.values():
        router.fallen_back = {"elsewhere": "v1"}
    world.renew()
    world.tick(3)
    assert actions(world) == []


@given(st.dictionaries(st.sampled_from(["r1", "r2", "r3"]), st.sampled_from([{}, {"a": "v1"}, {"a": "v0"}])))
def test_what_is_said_does_not_depend_on_who_says_it_first(saying: dict[str, dict[str, str]]) -> None:
    leases = [
        RouterLease(router=name, admin_url="http://r", revision=1, generations={}, fallen_back=fallen)
        for name, fallen in saying.items()
    ]
    found = said(leases)
    assert found == said(leases[::-1])
    assert set(found) == {name for fallen in saying.values() for name in fallen}
    for each in found.values():
        assert list(each.routers) == sorted(name for name, fallen in saying.items() if fallen)
