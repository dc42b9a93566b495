"""A store with a full week: a rollout that is rolled back, one that is promoted, suites, drift, alerts, hostile text."""

from datetime import UTC, datetime, timedelta

from aftertune.deployments import canary_started, commit, created, promoted, rolled_back, shadow_started
from aftertune.store import Store, Transaction
from aftertune.values.alert import Alert
from aftertune.values.deployment import Act, Deployment
from aftertune.values.drift import DriftCause, DriftChart, DriftReading, DriftState
from aftertune.values.exchange import ExchangeError, ExchangeRole, Usage
from aftertune.values.gap import Gap, GapReason
from aftertune.values.release import Passport, Proof, Release
from aftertune.values.report import Report, ReportState
from aftertune.values.rollback import Rollback, RollbackState, RouterProof
from aftertune.values.rollout import Approval, Override, Rollout, RolloutState, Stage
from aftertune.values.training import TrainingJob, TrainingState
from aftertune.values.verdict import Measurement, Outcome, Verdict
from aftertune.week import Week, week_named
from tests.aftertune.samples import exchange, plan, release, rollout, scores
from tests.reports.runs import add_runs

WEEK = "2026-W03"
MONDAY = datetime(2026, 1, 12, tzinfo=UTC)
SUNDAY = MONDAY + timedelta(days=7)
HOSTILE = (
    '</script><script>alert(1)</script><img src="http://169.254.169.254/x"> #include "/etc/passwd" '
    '#image("/etc/passwd") $x$ *bold* \u202egnp.exe\u200b \x1b[31m https://evil.example/x'
)


def week() -> Week:
    return week_named(WEEK, "UTC")


def report(name: str = "rp-1", **changes: object) -> Report:
    known = {
        "id": name,
        "week": WEEK,
        "revision": 1,
        "preliminary": False,
        "state": ReportState.BUILDING,
        "requested_by": "rita",
        "requested_at": SUNDAY,
    }
    return Report.model_validate(known | changes)


def fill(store: Store) -> None:
    with store.write() as tx:
        for name in ("base", "v1", "v2", "v3"):
            tx.releases.add(_release(name))
        _journey(tx)
        tx.training.save(job())
        add_runs(tx, MONDAY + timedelta(hours=40), HOSTILE)
        _drift(tx)
        _traffic(tx)
        tx.gaps.add(
            [
                Gap(
                    id="g1",
                    router="router-1",
                    reason=GapReason.DISK_BUDGET,
                    records=31,
                    since=MONDAY + timedelta(hours=4),
                    until=MONDAY + timedelta(hours=5),
                )
            ]
        )
        tx.alerts.save(
            Alert(
                fingerprint="f1",
                name="RouterErrors",
                severity="page",
                deployment="tasks",
                summary=HOSTILE,
                starts_at=MONDAY + timedelta(hours=30),
                ends_at=MONDAY + timedelta(hours=31),
                received_at=MONDAY + timedelta(hours=30),
            )
        )


def job(**changes: object) -> TrainingJob:
    """Ended on Monday morning."""
    known = {
        "id": "v2",
        "release": "v2",
        "spec": "5e" * 32,
        "state": TrainingState.SUCCEEDED,
        "reason": HOSTILE,
        "by": "mel",
        "host": "gpu-1",
        "pid": 7,
        "started_at": MONDAY + timedelta(minutes=5),
        "heartbeat_at": MONDAY + timedelta(minutes=25),
        "ended_at": MONDAY + timedelta(minutes=25),
        "step": 300,
        "steps": 400,
        "resumed_from": 120,
        "best_step": 280,
        "best_validation": 0.4375,
        "seconds": 1100.0,
    }
    return TrainingJob.model_validate(known | changes)


def _release(name: str) -> Release:
    return release(
        name,
        base_path="base",
        adapter_path="" if name == "base" else name,
        created_at=MONDAY - timedelta(days=1),
        suites=("tool_calls",),
        passport=Passport(
            release=name,
            base_digest="ba" * 32,
            adapter_digest="" if name == "base" else "ad" * 32,
            merged_digest="ce" * 32,
            tokenizer_digest="70" * 32,
            template_digest="7e" * 32,
            training={},
            proof=Proof(prompts=10, max_logit_difference=2.5e-5, tolerance=1e-3),
            versions={"torch": "2.13.0"},
            merged_at=MONDAY - timedelta(hours=20),
        ),
    )


def _journey(tx: Transaction) -> None:
    """v1 serves; v2 is rolled back on Tuesday; v3 is promoted on Thursday."""
    now = created("tasks", "v1")
    commit(tx, Act.CREATE, None, now, actor="olga", at=MONDAY - timedelta(hours=12))
    tx.audit.append(
        MONDAY + timedelta(hours=1),
        "anna",
        "waive_suite",
        "v2",
        {"suite": "persona", "reason": HOSTILE, "stood": "failed", "run": "ev-1"},
    )
    now = _tried(tx, now, "v2", "ro-2", MONDAY + timedelta(hours=2))
    back = MONDAY + timedelta(hours=30)
    tx.audit.append(back, "controller", "held", "tasks", {"rollout": "ro-2", "reason": "worse than v1"})
    after = rolled_back(now, "v1")
    commit(
        tx, Act.ROLL_BACK, now, after, actor="controller", at=back, body={"rollback": "rb-1", "reason": "bad"}
    )
    tx.audit.append(back, "controller", "quarantine", "v2", {"rollback": "rb-1"})
    tx.releases.quarantine("v2", "rolled back", back)
    tx.rollbacks.add(_rollback(back))
    ended = tx.rollouts.get("ro-2").model_copy(update={"state": RolloutState.ROLLED_BACK, "reason": "bad"})
    tx.rollouts.save(ended)
    now = _tried(tx, after, "v3", "ro-3", MONDAY + timedelta(hours=50))
    thursday = MONDAY + timedelta(days=3)
    commit(tx, Act.PROMOTE, now, promoted(now), actor="controller", at=thursday, body={"reason": "as good"})
    tx.rollouts.save(
        tx.rollouts.get("ro-3").model_copy(update={"state": RolloutState.PROMOTED, "reason": "as good"})
    )


def _tried(tx: Transaction, before: Deployment, name: str, rollout_id: str, at: datetime) -> Deployment:
    shadow = shadow_started(before, name, rollout_id, 1.0)
    found: Rollout = rollout(
        rollout_id,
        candidate=name,
        plan=plan(candidate=name),
        created_at=at,
        stage_since=at,
        stage=Stage.SHADOW,
    )
    tx.rollouts.add(found)
    commit(tx, Act.START_SHADOW, before, shadow, actor="olga", at=at, body={"rollout": rollout_id})
    for approver in ("anna", "ben"):
        tx.rollouts.approve(found, Approval(approver=approver, plan=found.plan.digest(), at=at))
    tx.rollouts.override(found, Override(check="comparison", actor="anna", reason=HOSTILE, at=at))
    canary = canary_started(shadow, 0.2, 1.0)
    commit(tx, Act.START_CANARY, shadow, canary, actor="controller", at=at + timedelta(hours=1))
    tx.rollouts.save(found.model_copy(update={"stage": Stage.CANARY}))
    for stage in Stage:
        tx.verdicts.add(_verdict(found, stage, at + timedelta(minutes=30)))
    return canary


def _verdict(found: Rollout, stage: Stage, at: datetime) -> Verdict:
    def measured(check: str, metric: str, estimate: float | None) -> Measurement:
        return Measurement(
            check=check,
            metric=metric,
            outcome=Outcome.PASS if estimate is not None else Outcome.INCONCLUSIVE,
            n=0 if estimate is None else 212,
            estimate=estimate,
            low=None if estimate is None else estimate - 0.05,
            high=None if estimate is None else estimate + 0.05,
            limit=-0.1,
            alpha=0.05,
            reason="within the margin of 0.1",
        )

    return Verdict(
        outcome=Outcome.PASS,
        rollout=found.id,
        stage=stage,
        release=found.candidate,
        baseline=found.baseline,
        measurements=(measured("comparison", "valid_answer", -0.0125), measured("guardrail", "errors", None)),
        waived=("comparison",),
        plan=found.plan.digest(),
        evidence="e5" * 32,
        judge_version="1",
        at=at,
    )


def _rollback(at: datetime) -> Rollback:
    return Rollback(
        id="rb-1",
        deployment="tasks",
        actor="controller",
        automatic=True,
        reason=HOSTILE,
        state=RollbackState.COMPLETED,
        from_release="v2",
        to_release="v1",
        generation=4,
        rollout="ro-2",
        first_bad_at=at - timedelta(seconds=2),
        requested_at=at,
        switched_at=at + timedelta(seconds=0.25),
        finished_at=at + timedelta(seconds=1.375),
        proofs=(
            RouterProof(
                router="router-1",
                generation=4,
                releases=("v1", "v1"),
                fingerprint_matches=4,
                probes=4,
                ok=True,
            ),
        ),
        outcome="Proven through 1 router(s).",
    )


def _drift(tx: Transaction) -> None:
    for day, (statistic, state) in enumerate(
        ((0.0, DriftState.LEARNING), (3.0, DriftState.WATCHING), (11.5, DriftState.ALARM))
    ):
        charts = (
            DriftChart(name="prompts", statistic=statistic, threshold=10.0, observations=day * 100),
            DriftChart(name="answers", statistic=statistic / 4, threshold=10.0, observations=day * 100),
        )
        tx.drift.add_reading(
            DriftReading(
                deployment="tasks",
                release="v1",
                at=MONDAY + timedelta(days=day + 1),
                state=state,
                cause=DriftCause.USERS_CHANGED if state is DriftState.ALARM else DriftCause.NONE,
                reason=HOSTILE if state is DriftState.ALARM else "",
                run_length=10_000,
                reference=500,
                reference_wanted=500,
                reference_digest="df" * 32,
                observations=day * 100,
                charts=() if state is DriftState.LEARNING else charts,
                encoder="all-MiniLM-L6-v2",
                examples=("e1", "e2"),
            )
        )


def _traffic(tx: Transaction) -> None:
    for number in range(140):
        at = MONDAY + timedelta(hours=number)
        bad = number % 20 == 7
        tx.exchanges.add(
            exchange(
                f"e{number}",
                request_id=f"q{number}",
                role=ExchangeRole.CANARY if number % 9 == 0 else ExchangeRole.STABLE,
                release="v2" if number % 9 == 0 else "v1",
                arrival=at,
                first_byte=None if bad else at + timedelta(seconds=0.05 + number / 2000),
                last_byte=None if bad else at + timedelta(seconds=0.1 + number / 1000),
                ended=at + timedelta(seconds=0.3),
                error=ExchangeError.UNREACHABLE if bad else None,
                status=0 if bad else 200,
                finish=None if bad else (HOSTILE if number == 5 else "stop"),
                usage=None if bad else Usage(prompt_tokens=20 + number % 7, completion_tokens=5 + number % 3),
            ),
            None,
            scores(completed=0.0 if bad else 1.0, valid_answer=0.0 if bad else 1.0, length=number),
        )
