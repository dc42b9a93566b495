"""The reconciling loop: read the state, judge, decide, act. Every act may run twice; events only wake it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from aftertune.clock import Clock
from aftertune.deployments import canary_started, commit, promoted
from aftertune.errors import Conflict, Unavailable
from aftertune.identity import CONTROLLER
from aftertune.lease import Lease
from aftertune.store import Store, Transaction
from aftertune.values.deployment import Act
from aftertune.values.rollback import Rollback, RollbackState
from aftertune.values.rollout import Rollout, RolloutState, Stage
from aftertune.values.verdict import Verdict
from monitor.decide import Decided, Decision, decide
from monitor.fallback import Fallbacks
from monitor.measure import Measured, Measuring, candidate_of
from monitor.metrics import Metrics
from monitor.pins import Pins
from monitor.publish import Publisher
from monitor.rollback import Rollbacks

LEASE = "controller"
LEASE_S = 10.0
NEW_ENOUGH = 10
"""A verdict with the same outcome is stored again after this many more pairs or answers."""

log = logging.getLogger(__name__)


class Controller:
    """`holder` names this process: the same name takes its lease up again after a restart."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        publisher: Publisher,
        rollbacks: Rollbacks,
        metrics: Metrics,
        holder: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._publisher = publisher
        self._rollbacks = rollbacks
        self._metrics = metrics
        self._measuring = Measuring()
        self._lease = Lease(store, clock, LEASE, holder, LEASE_S)
        self._fallbacks = Fallbacks(store, clock, publisher.live, metrics.fallen_back)
        self._pins = Pins(store, clock)
        self._told: dict[str, str] = {}

    def tick(self) -> None:
        """One look at everything. A failure of one rollback or rollout is logged and does not stop the others.

        Raises Unavailable when the database is away.
        """
        if not self._lease.take():
            return
        with self._store.read() as tx:
            rollbacks, rollouts = tx.rollbacks.unfinished(), tx.rollouts.open()
        # First what was decided before (by a person, or by a process that was killed), then what is new.
        self._publisher.publish()
        self._measuring.forget_all_but(frozenset(rollout.id for rollout in rollouts))
        for rollback in rollbacks:
            self._drive(rollback.id)
        with self._contained("Fallbacks"):
            self._fallbacks.tick()
        with self._contained("Pins"):
            self._pins.tick()
        for rollout in rollouts:
            with self._contained(f"Rollout {rollout.id}"):
                self._reconcile(rollout.id)
        self._publisher.publish()

    def _drive(self, rollback: str) -> None:
        with self._contained(f"Rollback {rollback}"):
            self._rollbacks.drive(rollback)

    @contextmanager
    def _contained(self, subject: str) -> Iterator[None]:
        """Whatever goes wrong with one subject is said once and tried again; only a missing database stops all."""
        try:
            yield
        except Unavailable:
            raise
        except Conflict as error:
            log.info("%s: %s", subject, error)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            if self._told.get(subject) != said:
                log.exception("%s failed in this tick; it is tried again.", subject)
            self._told[subject] = said
        else:
            self._told.pop(subject, None)

    def _reconcile(self, rollout_id: str) -> None:
        now = self._clock.now()
        with self._store.read() as tx:
            rollout = tx.rollouts.get(rollout_id)
            going_back = {rollback.deployment for rollback in tx.rollbacks.unfinished()}
            if rollout.deployment in going_back:
                return
            measured = self._measuring.measure(tx, rollout, now)
            last = next(iter(tx.verdicts.of(rollout_id, limit=1)), None)
        answers = len(measured.answers)
        decided = decide(rollout, measured.deployment, measured.verdict, measured.candidate, answers, now)
        if decided.decision is Decision.WAIT:
            if _is_news(measured.verdict, last):
                with self._store.write() as tx:
                    tx.verdicts.add(measured.verdict)
                self._count(measured.verdict)
            return
        self._act(measured, decided, last)

    def _act(self, measured: Measured, decided: Decided, last: Verdict | None) -> None:
        acts = {
            Decision.HOLD: self._hold,
            Decision.START_CANARY: self._start_canary,
            Decision.PROMOTE: self._promote,
            Decision.ROLL_BACK: self._ask_for_rollback,
        }
        verdict = measured.verdict
        with self._store.write() as tx:
            seen = (measured.rollout, measured.candidate)
            if (tx.rollouts.get(measured.rollout.id), candidate_of(tx, measured.rollout)) != seen:
                return  # Somebody was faster; the next tick looks again.
            if verdict != last:
                tx.verdicts.add(verdict)
            tx.audit.append(
                self._clock.now(),
                CONTROLLER.name,
                "verdict",
                measured.rollout.deployment,
                {
                    "rollout": verdict.rollout,
                    "stage": verdict.stage,
                    "outcome": verdict.outcome,
                    "decision": decided.decision,
                    "reason": decided.reason,
                    "evidence": verdict.evidence,
                    "judge_version": verdict.judge_version,
                    "plan": verdict.plan,
                    "waived": list(verdict.waived),
                },
            )
            acts[decided.decision](tx, measured, decided.reason)
        if verdict != last:
            self._count(verdict)
        log.info("Rollout %s: %s. %s", measured.rollout.id, decided.decision, decided.reason)
        if decided.decision is Decision.ROLL_BACK:
            self._drive(_automatic_id(measured.rollout))

    def _hold(self, tx: Transaction, measured: Measured, reason: str) -> None:
        rollout = measured.rollout
        tx.rollouts.save(rollout.model_copy(update={"state": RolloutState.HELD, "reason": reason}))
        body = {"rollout": rollout.id, "stage": rollout.stage, "reason": reason}
        tx.audit.append(self._clock.now(), CONTROLLER.name, "held", rollout.deployment, body)

    def _start_canary(self, tx: Transaction, measured: Measured, reason: str) -> None:
        rollout, before, now = measured.rollout, measured.deployment, self._clock.now()
        canary = rollout.plan.canary
        commit(
            tx,
            Act.START_CANARY,
            before,
            canary_started(before, canary.share, canary.mirror),
            actor=CONTROLLER.name,
            at=now,
            key=f"canary:{rollout.id}",
            body=_authority(rollout, reason),
        )
        following = {
            "state": RolloutState.RUNNING,
            "stage": Stage.CANARY,
            "stage_since": now,
            "reason": reason,
        }
        tx.rollouts.save(rollout.model_copy(update=following))

    def _promote(self, tx: Transaction, measured: Measured, reason: str) -> None:
        rollout, before = measured.rollout, measured.deployment
        commit(
            tx,
            Act.PROMOTE,
            before,
            promoted(before, fall_back=rollout.plan.fall_back),
            actor=CONTROLLER.name,
            at=self._clock.now(),
            key=f"promote:{rollout.id}",
            body=_authority(rollout, reason),
        )
        tx.rollouts.save(rollout.model_copy(update={"state": RolloutState.PROMOTED, "reason": reason}))

    def _ask_for_rollback(self, tx: Transaction, measured: Measured, reason: str) -> None:
        """Recorded with the verdict that causes it; driven at once, and by any later tick."""
        bad = [answer.at for answer in measured.answers if answer.scores.valid_answer < 1.0]
        tx.rollbacks.add(
            Rollback(
                id=_automatic_id(measured.rollout),
                deployment=measured.rollout.deployment,
                actor=CONTROLLER.name,
                automatic=True,
                reason=reason,
                state=RollbackState.REQUESTED,
                from_release=measured.rollout.candidate,
                rollout=measured.rollout.id,
                first_bad_at=min(bad, default=None),
                requested_at=self._clock.now(),
            )
        )

    def _count(self, verdict: Verdict) -> None:
        self._metrics.verdicts.labels(stage=verdict.stage, outcome=verdict.outcome).inc()


def _automatic_id(rollout: Rollout) -> str:
    return f"auto-{rollout.id}"


def _authority(rollout: Rollout, reason: str) -> dict[str, object]:
    """On whose word an act goes forward."""
    return {
        "rollout": rollout.id,
        "reason": reason,
        "plan": rollout.plan.digest(),
        "approvers": sorted({approval.approver for approval in rollout.approvals}),
        "overrides": [f"{override.check} by {override.actor}" for override in rollout.overrides],
    }


def _is_news(verdict: Verdict, last: Verdict | None) -> bool:
    """Another outcome, stage or waiver, or many more observations than in the verdict stored last."""
    if last is None:
        return True
    if (verdict.outcome, verdict.stage, verdict.waived) != (last.outcome, last.stage, last.waived):
        return True
    before = {(m.check, m.metric): m.n for m in last.measurements}
    return any(m.n >= before.get((m.check, m.metric), 0) + NEW_ENOUGH for m in verdict.measurements)
