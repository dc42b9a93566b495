"""Rollouts, approvals, overrides, verdicts and rollbacks."""

from datetime import timedelta

import pytest

from aftertune.deployments import created
from aftertune.errors import Conflict, NotFound
from aftertune.store import Store
from aftertune.values.plan import COMPARISON
from aftertune.values.rollback import RollbackState
from aftertune.values.rollout import Approval, Override, RolloutState, Stage
from aftertune.values.verdict import Measurement, Outcome, Verdict
from tests.aftertune.samples import AT, plan, release, rollback, rollout

LATER = AT + timedelta(minutes=1)


@pytest.fixture
def deployed(store: Store) -> Store:
    with store.write() as tx:
        for name in ("v1", "v2"):
            tx.releases.add(release(name))
        tx.deployments.add(created("tasks", "v1"))
        tx.rollouts.add(rollout("r1"))
    return store


def approve(store: Store, approver: str, digest: str = "") -> None:
    with store.write() as tx:
        current = tx.rollouts.get("r1")
        tx.rollouts.approve(current, Approval(approver=approver, plan=digest or current.plan.digest(), at=AT))


def test_approvals_outlive_a_save_and_make_the_plan_approved(deployed: Store) -> None:
    approve(deployed, "anna")
    with deployed.write() as tx:
        tx.rollouts.save(rollout("r1", state=RolloutState.HELD, reason="pairs are few"))
        assert not tx.rollouts.get("r1").approved
    approve(deployed, "bert")
    with deployed.read() as tx:
        current = tx.rollouts.get("r1")
    assert current.approved
    assert [approval.approver for approval in current.approvals] == ["anna", "bert"]
    assert (current.state, current.reason) == (RolloutState.HELD, "pairs are few")


def test_the_requester_and_the_same_person_twice_are_refused(deployed: Store) -> None:
    with pytest.raises(Conflict, match="cannot approve"):
        approve(deployed, "olga")
    approve(deployed, "anna")
    with pytest.raises(Conflict, match="approved this plan before"):
        approve(deployed, "anna")
    approve(deployed, "anna", digest=plan(alpha=0.01).digest())


def test_the_same_approval_from_a_stale_view_is_refused(deployed: Store) -> None:
    with deployed.read() as tx:
        stale = tx.rollouts.get("r1")
    approve(deployed, "anna")
    with pytest.raises(Conflict), deployed.write() as tx:
        tx.rollouts.approve(stale, Approval(approver="anna", plan=stale.plan.digest(), at=AT))
    with deployed.read() as tx:
        assert len(tx.rollouts.get("r1").approvals) == 1


def test_a_check_is_waived_once(deployed: Store) -> None:
    waiver = Override(check=COMPARISON, actor="anna", reason="known wording change", at=AT)
    with deployed.write() as tx:
        tx.rollouts.override(tx.rollouts.get("r1"), waiver)
        assert tx.rollouts.get("r1").overrides == (waiver,)
        with pytest.raises(Conflict, match="waived already"):
            tx.rollouts.override(tx.rollouts.get("r1"), waiver)


def test_open_rollouts_are_running_or_held_oldest_first(deployed: Store) -> None:
    with deployed.write() as tx:
        tx.rollouts.add(rollout("r3", created_at=LATER + timedelta(minutes=1)))
        tx.rollouts.add(rollout("r2", created_at=LATER, state=RolloutState.HELD, stage=Stage.CANARY))
        for state in (RolloutState.PROMOTED, RolloutState.ROLLED_BACK, RolloutState.ABORTED):
            tx.rollouts.add(rollout(state, state=state))
    with deployed.read() as tx:
        assert [r.id for r in tx.rollouts.open()] == ["r1", "r2", "r3"]
        assert [r.id for r in tx.rollouts.of("tasks")][:2] == ["r3", "r2"]
        assert tx.rollouts.of("plants") == []


def test_unknown_ids_are_not_found(deployed: Store) -> None:
    with deployed.write() as tx:
        with pytest.raises(NotFound):
            tx.rollouts.get("r9")
        with pytest.raises(NotFound):
            tx.rollouts.save(rollout("r9"))
        with pytest.raises(NotFound):
            tx.rollbacks.get("b9")
        with pytest.raises(NotFound):
            tx.rollbacks.save(rollback("b9"))


def test_verdicts_come_back_as_said_newest_first(deployed: Store) -> None:
    said = [
        Verdict(
            outcome=outcome,
            rollout="r1",
            stage=Stage.SHADOW,
            release="v2",
            baseline="v1",
            measurements=(
                Measurement(
                    check=COMPARISON,
                    metric="agreement",
                    outcome=outcome,
                    n=n,
                    estimate=None,
                    low=None,
                    high=None,
                    limit=0.1,
                    alpha=0.05,
                    reason=f"{n} pairs",
                ),
            ),
            plan=plan().digest(),
            evidence="e",
            judge_version="1",
            at=AT,
        )
        for n, outcome in enumerate((Outcome.INCONCLUSIVE, Outcome.FAIL, Outcome.PASS))
    ]
    with deployed.write() as tx:
        for verdict in said:
            tx.verdicts.add(verdict)
    with deployed.read() as tx:
        assert tx.verdicts.of("r1") == said[::-1]
        assert tx.verdicts.of("r1", limit=1) == said[-1:]
        assert tx.verdicts.of("r9") == []


def test_a_rollback_is_added_once_and_followed_to_its_end(deployed: Store) -> None:
    with deployed.write() as tx:
        assert tx.rollbacks.add(rollback("b2", requested_at=LATER, automatic=True))
        assert tx.rollbacks.add(rollback("b1"))
        assert not tx.rollbacks.add(rollback("b1", reason="another"))
        assert [b.id for b in tx.rollbacks.unfinished()] == ["b1", "b2"]
        done = rollback("b1", state=RollbackState.COMPLETED, to_release="v1", generation=3)
        tx.rollbacks.save(done)
    with deployed.read() as tx:
        assert tx.rollbacks.get("b1") == done
        assert [b.id for b in tx.rollbacks.unfinished()] == ["b2"]
        assert [b.id for b in tx.rollbacks.of("tasks")] == ["b2", "b1"]


@pytest.mark.parametrize("state", list(RollbackState))
def test_only_final_rollbacks_are_finished(deployed: Store, state: RollbackState) -> None:
    final = state in {RollbackState.COMPLETED, RollbackState.PARTIAL, RollbackState.FAILED}
    with deployed.write() as tx:
        tx.rollbacks.add(rollback("b1", state=state))
        assert len(tx.rollbacks.unfinished()) == (0 if final else 1)
