"""The state machine by table: what each act makes of each state, and what it stores."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from aftertune.deployments import (
    aborted,
    canary_started,
    commit,
    configured,
    created,
    frozen,
    promoted,
    rolled_back,
    shadow_started,
    unfrozen,
)
from aftertune.errors import Conflict, IdempotencyReuse, StaleGeneration
from aftertune.store import Store
from aftertune.store.deployments import Promotion
from aftertune.values.deployment import Act, Deployment, ShadowRule
from aftertune.values.exchange import CapturePolicy
from aftertune.values.route import MirrorBudget, Mode
from tests.aftertune.samples import AT, release

PLAIN = created("tasks", "v1", CapturePolicy.METADATA)
SHADOW = shadow_started(PLAIN, "v2", "r1", mirror=0.5)
CANARY = canary_started(SHADOW, share=0.2, mirror=1.0)
PROMOTED = promoted(CANARY)
FROZEN = frozen(PLAIN, "audit week")
FROZEN_SHADOW = frozen(SHADOW, "audit week")
FROZEN_CANARY = frozen(CANARY, "audit week")

ACTS: dict[str, Callable[[Deployment], Deployment]] = {
    "shadow": lambda d: shadow_started(d, "v3", "r2", mirror=1.0),
    "canary": lambda d: canary_started(d, share=0.1, mirror=1.0),
    "promote": promoted,
    "abort": aborted,
    "roll back": lambda d: rolled_back(d, d.stable if d.candidate else "v0"),
    "freeze": lambda d: frozen(d, "because"),
    "unfreeze": unfrozen,
    "configure": lambda d: configured(d, rename=not d.rename),
}
ALWAYS = {"configure", "roll back", "freeze"}


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        (PLAIN, {"shadow"}),
        (SHADOW, {"canary", "abort"}),
        (CANARY, {"promote", "abort"}),
        (PROMOTED, {"shadow"}),
        (FROZEN, {"shadow", "unfreeze"}),
        (FROZEN_SHADOW, {"abort", "unfreeze"}),
        (FROZEN_CANARY, {"abort", "unfreeze"}),
    ],
    ids=["plain", "shadow", "canary", "promoted", "frozen", "frozen shadow", "frozen canary"],
)
def test_each_state_allows_exactly_its_acts(state: Deployment, allowed: set[str]) -> None:
    possible = set()
    for name, act in ACTS.items():
        try:
            after = act(state)
        except Conflict:
            continue
        assert after.generation == state.generation + 1
        assert (after.name, after.capture) == (state.name, state.capture)
        possible.add(name)
    assert possible == allowed | ALWAYS


def test_shadow_copies_and_answers_nobody() -> None:
    assert (SHADOW.candidate, SHADOW.mode, SHADOW.share, SHADOW.mirror) == ("v2", Mode.SHADOW, 0.0, 0.5)
    assert (SHADOW.stable, SHADOW.rollout) == ("v1", "r1")


def test_canary_keeps_the_candidate_and_its_rollout() -> None:
    assert (CANARY.candidate, CANARY.mode, CANARY.share, CANARY.mirror) == ("v2", Mode.CANARY, 0.2, 1.0)
    assert CANARY.rollout == "r1"


def test_promotion_keeps_where_to_go_back() -> None:
    assert (PROMOTED.stable, PROMOTED.previous_good, PROMOTED.candidate) == ("v2", "v1", None)
    assert (PROMOTED.mode, PROMOTED.share, PROMOTED.mirror, PROMOTED.rollout) == (Mode.NONE, 0.0, 0.0, None)


def test_abort_changes_nothing_for_users() -> None:
    after = aborted(CANARY)
    assert (after.stable, after.previous_good, after.candidate, after.share) == ("v1", None, None, 0.0)


def test_rollback_of_a_candidate_goes_to_stable_even_when_frozen() -> None:
    after = rolled_back(FROZEN_CANARY, "v1")
    assert (after.stable, after.candidate, after.mode, after.frozen) == ("v1", None, Mode.NONE, "audit week")


def test_rollback_of_stable_goes_to_the_target_and_forgets_the_bad_one() -> None:
    after = rolled_back(PROMOTED, "v1")
    assert (after.stable, after.previous_good) == ("v1", None)
    elsewhere = rolled_back(PROMOTED, "v0")
    assert (elsewhere.stable, elsewhere.previous_good) == ("v0", "v1")


def test_a_plan_says_whether_previous_good_stands_in_and_a_rollback_of_stable_ends_that() -> None:
    falling_back = promoted(CANARY, fall_back=True)
    assert falling_back.fall_back
    assert not PROMOTED.fall_back
    tried = shadow_started(falling_back, "v3", "r2", mirror=1.0)
    for after in (tried, aborted(tried), rolled_back(tried, "v2"), frozen(falling_back, "audit week")):
        assert (after.fall_back, after.previous_good) == (True, "v1")
    assert not rolled_back(tried, "v1").fall_back
    assert not rolled_back(falling_back, "v1").fall_back
    assert not promoted(canary_started(tried, 0.1, 1.0)).fall_back, "the new plan's word counts"


RULES = (ShadowRule(release="v2", share=0.1), ShadowRule(release="v3", budget=MirrorBudget(per_s=2)))


def test_settings_change_one_by_one_and_everything_else_stays() -> None:
    after = configured(PLAIN, shadows=RULES, budget=MirrorBudget(tokens_a_day=9))
    assert (after.shadows, after.budget.tokens_a_day, after.generation) == (RULES, 9, 2)
    assert (after.rename, after.capture) == (PLAIN.rename, PLAIN.capture)
    captured = configured(after, capture=CapturePolicy.REDACTED)
    assert (captured.capture, captured.shadows) == (CapturePolicy.REDACTED, RULES)
    assert configured(captured, shadows=()).shadows == ()
    assert configured(FROZEN, rename=True).rename


@pytest.mark.parametrize("settings", [{}, {"rename": False}, {"shadows": ()}, {"budget": MirrorBudget()}])
def test_settings_that_change_nothing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(Conflict, match="already"):
        configured(PLAIN, **settings)


@pytest.mark.parametrize(
    ("state", "releases", "message"),
    [
        (PLAIN, ("v1",), "stable release"),
        (SHADOW, ("v2",), "candidate"),
        (PLAIN, ("v3", "v3"), "listed twice: v3"),
    ],
)
def test_impossible_shadows_are_refused(state: Deployment, releases: tuple[str, ...], message: str) -> None:
    with pytest.raises(Conflict, match=message):
        configured(state, shadows=tuple(ShadowRule(release=name) for name in releases))


def test_a_shadow_that_becomes_candidate_or_stable_loses_its_rule_for_good() -> None:
    both = configured(PLAIN, shadows=RULES)
    tried = shadow_started(both, "v2", "r1", mirror=1.0)
    assert [rule.release for rule in tried.shadows] == ["v3"]
    assert [rule.release for rule in aborted(tried).shadows] == ["v3"]
    assert [rule.release for rule in rolled_back(both, "v3").shadows] == ["v2"]
    assert frozen(both, "audit week").shadows == RULES


def test_a_rollout_keeps_its_payloads() -> None:
    full = configured(PLAIN, capture=CapturePolicy.FULL)
    tried = shadow_started(full, "v2", "r1", mirror=1.0)
    for capture in (CapturePolicy.NONE, CapturePolicy.METADATA):
        with pytest.raises(Conflict, match="payloads"):
            configured(tried, capture=capture)
    assert configured(tried, capture=CapturePolicy.REDACTED).capture is CapturePolicy.REDACTED
    assert configured(full, capture=CapturePolicy.NONE).capture is CapturePolicy.NONE


def test_rollback_is_no_way_around_promotion() -> None:
    with pytest.raises(Conflict, match="v2"):
        rolled_back(FROZEN_CANARY, "v2")


def test_rollback_to_where_traffic_goes_already_is_refused() -> None:
    with pytest.raises(Conflict, match="already"):
        rolled_back(PLAIN, "v1")


def test_stable_cannot_be_tested_against_itself() -> None:
    with pytest.raises(Conflict, match="stable release"):
        shadow_started(PLAIN, "v1", "r1", mirror=1.0)


def test_a_freeze_needs_a_reason() -> None:
    with pytest.raises(Conflict, match="reason"):
        frozen(PLAIN, "")


def test_the_refusal_of_a_frozen_deployment_says_why() -> None:
    with pytest.raises(Conflict, match="audit week"):
        promoted(FROZEN_CANARY)


@pytest.mark.parametrize(("share", "mirror"), [(1.5, 1.0), (-0.1, 1.0), (0.1, 7.0)])
def test_impossible_shares_are_refused(share: float, mirror: float) -> None:
    with pytest.raises(ValidationError):
        canary_started(SHADOW, share=share, mirror=mirror)


@pytest.mark.parametrize("name", ["", "Tasks", "../tasks", "-tasks", "t" * 64])
def test_impossible_names_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        created(name, "v1")


@pytest.fixture
def stocked(store: Store) -> Store:
    with store.write() as tx:
        for name in ("v1", "v2", "v3"):
            tx.releases.add(release(name))
        commit(tx, Act.CREATE, None, PLAIN, actor="olga", at=AT, key="k1")
    return store


def test_an_act_is_stored_with_its_audit_entry(stocked: Store) -> None:
    with stocked.write() as tx:
        assert commit(tx, Act.START_SHADOW, PLAIN, SHADOW, actor="olga", at=AT, body={"rollout": "r1"})
    with stocked.read() as tx:
        assert tx.deployments.get("tasks") == SHADOW
        entry = tx.audit.latest(1)[0]
    assert (entry.actor, entry.action, entry.subject) == ("olga", "start_shadow", "tasks")
    assert json.loads(entry.body) == {
        "before": PLAIN.model_dump(mode="json"),
        "after": SHADOW.model_dump(mode="json"),
        "rollout": "r1",
    }


def test_an_act_from_a_stale_view_leaves_no_trace(stocked: Store) -> None:
    with stocked.write() as tx:
        commit(tx, Act.FREEZE, PLAIN, FROZEN, actor="olga", at=AT)
    with pytest.raises(StaleGeneration), stocked.write() as tx:
        commit(tx, Act.START_SHADOW, PLAIN, SHADOW, actor="olga", at=AT, key="k2")
    with stocked.write() as tx:
        assert len(list(tx.audit.entries())) == 2
        assert tx.deployments.get("tasks") == FROZEN
        assert tx.deployments.claim_key("k2", "olga", "freeze", "tasks", AT), "the key was not used up"


def test_an_act_repeated_under_its_key_is_done_once(stocked: Store) -> None:
    for expected in (True, False):
        with stocked.write() as tx:
            done = commit(tx, Act.START_SHADOW, PLAIN, SHADOW, actor="olga", at=AT, key="k2")
            assert done is expected
    with pytest.raises(IdempotencyReuse), stocked.write() as tx:
        commit(tx, Act.FREEZE, SHADOW, FROZEN_SHADOW, actor="olga", at=AT, key="k2")
    with stocked.read() as tx:
        assert [entry.action for entry in tx.audit.entries()] == ["create", "start_shadow"]


def test_every_stable_release_has_its_promotion(stocked: Store) -> None:
    later = AT + timedelta(hours=1)
    with stocked.write() as tx:
        for act, before, after in (
            (Act.START_SHADOW, PLAIN, SHADOW),
            (Act.START_CANARY, SHADOW, CANARY),
            (Act.PROMOTE, CANARY, PROMOTED),
            (Act.ROLL_BACK, PROMOTED, rolled_back(PROMOTED, "v1")),
        ):
            commit(tx, act, before, after, actor="controller", at=later)
        promotions = tx.deployments.promotions("tasks")
    assert promotions == [Promotion("v1", 5, later), Promotion("v2", 4, later), Promotion("v1", 1, AT)]
