"""Rollbacks: one switch, replayable at every step, proven through every router."""

import threading

import pytest

from aftertune.audit import verify
from aftertune.clock import ManualClock
from aftertune.errors import Conflict
from aftertune.store import Store
from aftertune.values.deployment import Deployment
from aftertune.values.release import EngineKind
from aftertune.values.rollback import RollbackState
from aftertune.values.rollout import RolloutState
from monitor.rollback import Rollbacks
from monitor.target import leaving
from tests.monitor.world import ROUTER_LEASE_S, Crash, World, engine, in_canary_with_bad_answers


@pytest.fixture
def world(store: Store, clock: ManualClock) -> World:
    return World(store, clock, ("router-1", "router-2"))


def test_by_hand_to_previous_good(world: World) -> None:
    world.promote("v2", "r1")
    world.ask_back()
    world.tick()

    back = world.rollback()
    assert back.state is RollbackState.COMPLETED
    assert (back.from_release, back.to_release) == ("v2", "v1")
    assert (world.deployment.stable, world.deployment.previous_good) == ("v1", None)
    assert world.quarantined == {"v2"}
    for router in world.routers.values():
        assert len(router.conversations) >= 4
        assert router.claims == {"v1"}


def test_by_hand_while_a_candidate_is_tested(world: World) -> None:
    world.start_rollout()
    world.tick()
    world.ask_back()
    world.tick()

    assert (world.deployment.stable, world.deployment.candidate) == ("v1", None)
    assert world.rollout().state is RolloutState.ROLLED_BACK
    assert world.rollback().rollout == "r1"
    assert world.quarantined == {"v2"}


def test_to_a_named_release(world: World) -> None:
    world.promote("v2", "r1")
    world.promote("v3", "r2")
    world.ask_back(to_release="v1")
    world.tick()

    assert world.deployment.stable == "v1"
    assert world.deployment.previous_good == "v2"
    assert world.quarantined == {"v3"}


def test_passed_over_releases_are_in_the_audit_log(world: World) -> None:
    world.promote("v2", "r1")
    world.promote("v3", "r2")
    world.sick.add("v2")
    world.ask_back()
    world.tick()

    assert world.deployment.stable == "v1"
    with world.store.read() as tx:
        (entry,) = [entry for entry in tx.audit.latest(9) if entry.action == "roll_back"]
    assert '"passed_over":[{"reason":"it does not answer","release":"v2"}]' in entry.body


@pytest.mark.parametrize("to", ["", "v0"])
def test_without_an_eligible_target_nothing_changes(world: World, to: str) -> None:
    world.tick()
    before, table = world.deployment, world.routers["http://router-1"].table
    world.ask_back(to_release=to)
    world.tick(2)

    back = world.rollback()
    assert back.state is RollbackState.FAILED
    assert "v1 keeps serving; nothing was changed. Page a person." in back.outcome
    assert world.deployment == before
    assert world.routers["http://router-1"].table == table
    assert world.quarantined == set()
    assert world.actions[-2:] == ["rollback_intended", "rollback_failed"]


def test_a_router_that_cannot_be_reached_makes_it_partial_and_is_named(world: World) -> None:
    world.promote("v2", "r1")
    world.routers["http://router-2"].deaf = True
    world.ask_back()
    world.tick()

    back = world.rollback()
    assert back.state is RollbackState.PARTIAL
    assert "1 of 2 routers are unproven. router-2: It is at generation 4, not 5." in back.outcome
    assert [(p.router, p.ok) for p in back.proofs] == [("router-1", True), ("router-2", False)]
    assert world.deployment.stable == "v1"
    assert world.actions[-1] == "rollback_partial"


def test_a_router_that_answers_with_other_weights_is_unproven(world: World) -> None:
    world.promote("v2", "r1")
    world.routers["http://router-1"].impostor = "v2"
    world.ask_back()
    world.tick()

    (proof, _) = world.rollback().proofs
    assert (proof.ok, proof.fingerprint_matches, proof.probes) == (False, 0, 4)
    assert proof.reason == "0 of 4 answers match the engine's fingerprint."
    assert world.rollback().state is RollbackState.PARTIAL


def test_without_a_live_router_nothing_is_proven(world: World) -> None:
    world.promote("v2", "r1")
    world.clock.advance(4000)
    world.ask_back()
    world.tick()
    assert world.rollback().state is RollbackState.SWITCHED

    world.clock.advance(ROUTER_LEASE_S)
    world.tick()
    back = world.rollback()
    assert back.state is RollbackState.PARTIAL
    assert "No live router could prove the switch." in back.outcome
    assert "their lease has ended: router-1, router-2" in back.outcome


def test_routers_that_come_back_within_a_lease_still_prove_it(world: World) -> None:
    world.promote("v2", "r1")
    world.clock.advance(4000)
    world.ask_back()
    world.tick(2)
    assert world.deployment.stable == "v1"

    world.renew()
    for router in world.routers.values():
        router.push(world.publisher.publish())  # What a router is given when it renews its lease.
    world.tick()
    assert world.rollback().state is RollbackState.COMPLETED
    assert [proof.ok for proof in world.rollback().proofs] == [True, True]


def test_where_no_router_was_ever_known_nothing_is_waited_for(store: Store, clock: ManualClock) -> None:
    world = World(store, clock, ())
    world.promote("v2", "r1")
    world.ask_back()
    world.tick()

    assert world.rollback().state is RollbackState.PARTIAL


def test_an_engine_that_is_not_ours_is_proven_by_headers(world: World) -> None:
    world.promote("v2", "r1")
    with world.store.write() as tx:
        tx.releases.save_engine(engine("v1", kind=EngineKind.EXTERNAL, fingerprint=()))
    world.ask_back()
    world.tick()

    assert world.rollback().state is RollbackState.COMPLETED
    assert world.rollback().proofs[0].reason == "By headers: no fingerprint is known."


def test_two_requests_make_one_switch(world: World) -> None:
    world.promote("v2", "r1")
    world.promote("v3", "r2")
    world.ask_back("b1")
    world.ask_back("b2")
    world.tick()

    assert world.deployment.stable == "v2"
    assert [world.rollback(name).state for name in ("b1", "b2")] == [RollbackState.COMPLETED] * 2
    assert "Rollback b1 made the switch." in world.rollback("b2").outcome
    assert world.rollback("b2").generation == world.rollback("b1").generation
    assert world.actions.count("roll_back") == 1


def test_a_later_request_switches_again(world: World) -> None:
    world.promote("v2", "r1")
    world.promote("v3", "r2")
    world.ask_back("b1")
    world.tick()
    world.clock.advance(1)
    world.ask_back("b2")
    world.tick()

    assert world.deployment.stable == "v1"
    assert world.quarantined == {"v2", "v3"}


def test_a_second_request_with_another_target_is_told_to_ask_again(world: World) -> None:
    world.promote("v2", "r1")
    world.promote("v3", "r2")
    world.ask_back("b1")
    world.ask_back("b2", to_release="v1")
    world.tick()

    assert world.deployment.stable == "v2"
    assert world.rollback("b2").state is RollbackState.FAILED
    assert "Rollback b1 went to v2 first." in world.rollback("b2").outcome


@pytest.mark.parametrize("names", [("b1", "b1"), ("b1", "b2")])
def test_racing_threads_make_one_switch(world: World, names: tuple[str, str]) -> None:
    world.promote("v2", "r1")
    world.promote("v3", "r2")
    for name in sorted(set(names)):
        world.ask_back(name)
    start = threading.Barrier(2)
    surprises: list[BaseException] = []

    def race(name: str) -> None:
        start.wait()
        try:
            world.rollbacks.drive(name)
        except Conflict:
            pass
        except BaseException as error:  # noqa: BLE001  (shown below)
            surprises.append(error)

    threads = [threading.Thread(target=race, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.tick()

    assert surprises == []
    assert world.deployment.stable == "v2"
    assert world.actions.count("roll_back") == 1
    assert {world.rollback(name).state for name in names} == {RollbackState.COMPLETED}
    with world.store.read() as tx:
        assert verify(tx.audit.entries()).ok


def test_a_candidate_that_has_left_already_does_not_take_stable_along(world: World) -> None:
    world.start_rollout("v3", "r1")
    world.tick()
    world.ask_back(from_release="v3")
    world.abort()
    before = world.deployment
    world.tick()

    back = world.rollback()
    assert (back.state, back.outcome) == (
        RollbackState.FAILED,
        "v3 has left already; nothing was changed.",
    )
    assert (world.deployment, world.quarantined) == (before, set())


def test_an_automatic_rollback_that_is_driven_late_leaves_its_candidate_or_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.promote("v2", "r0")
    in_canary_with_bad_answers(world, "v3")

    def die(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(Rollbacks, "drive", die)
        with pytest.raises(Crash):
            world.tick()
    world.abort()
    world.restart()
    world.tick()

    back = world.rollback("auto-r1")
    assert (back.state, back.from_release) == (RollbackState.FAILED, "v3")
    assert (world.deployment.stable, world.quarantined) == ("v2", set())


def test_a_candidate_that_came_later_is_not_blamed_for_stable(world: World) -> None:
    world.promote("v2", "r1")
    world.ask_back(from_release="v2")
    world.start_rollout("v3", "r2")
    world.tick()

    back = world.rollback()
    assert (back.state, back.from_release, back.to_release) == (RollbackState.COMPLETED, "v2", "v1")
    assert (world.deployment.stable, world.deployment.candidate) == ("v1", None)
    assert world.quarantined == {"v2"}
    assert world.rollout("r2").state is RolloutState.ABORTED
    assert world.rollout("r2").reason == "Its baseline v2 was rolled back: wrong torque values"
    assert back.rollout is None


def test_a_candidate_that_was_promoted_meanwhile_is_left_as_stable(world: World) -> None:
    world.start_rollout("v2", "r1")
    world.approve("ada", "ben")
    world.pairs(100)
    world.tick()
    world.ask_back(from_release="v2", to_release="v1")
    world.promote_now()
    world.tick()

    assert (world.deployment.stable, world.quarantined) == ("v1", {"v2"})
    assert world.rollback().state is RollbackState.COMPLETED


def test_a_rollback_of_another_release_does_not_answer_this_one(world: World) -> None:
    world.promote("v2", "r1")
    world.start_rollout("v3", "r2")
    world.tick()
    world.ask_back("b1", from_release="v3")
    world.ask_back("b2", from_release="v3")
    world.ask_back("b3", from_release="v2")
    world.tick()

    assert world.deployment.stable == "v1"
    assert world.quarantined == {"v2", "v3"}
    assert [world.rollback(name).state for name in ("b1", "b2", "b3")] == [RollbackState.COMPLETED] * 3
    assert "Rollback b1 made the switch." in world.rollback("b2").outcome


def test_nothing_is_said_to_have_left_on_a_look_that_is_too_old(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ask_back(from_release="v3")

    def meanwhile(deployment: Deployment, asked: str, to: str) -> str:
        monkeypatch.undo()
        world.start_rollout("v3", "r1")
        return leaving(deployment, asked, to)

    monkeypatch.setattr("monitor.rollback.leaving", meanwhile)
    world.tick(2)

    assert world.rollback().state is RollbackState.COMPLETED
    assert world.quarantined == {"v3"}
