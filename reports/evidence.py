"""What a report is computed from: values as they stood at the watermark, read in one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from aftertune.audit import AuditEntry, Verification, verify
from aftertune.store import Store, Transaction
from aftertune.values.alert import Alert
from aftertune.values.drift import DriftReading
from aftertune.values.evaluation import EvaluationRun, RunState
from aftertune.values.exchange import Exchange, ExchangeRole
from aftertune.values.gap import Gap
from aftertune.values.pair import AnswerScores
from aftertune.values.release import Release, ReleaseState
from aftertune.values.rollback import Rollback, RollbackState
from aftertune.values.rollout import Rollout
from aftertune.values.training import TrainingJob, TrainingState
from aftertune.values.verdict import Verdict
from aftertune.week import Week
from reports.acts import Act, acts
from reports.standing import as_it_stood

ALL_VERDICTS = 10_000
"""More than a rollout has."""


class Mark(NamedTuple):
    """What was stored by then: `entries` of the audit chain, and whatever else happened before `at`."""

    at: datetime
    entries: int


class Line(NamedTuple):
    """One exchange, without its payload."""

    at: datetime
    deployment: str
    release: str
    role: ExchangeRole
    error: str
    completed: bool | None
    valid: float | None
    latency_s: float | None
    first_byte_s: float | None
    length: int | None
    prompt_tokens: int | None
    completion_tokens: int | None
    tool_calls: int
    finish: str


@dataclass(frozen=True)
class Evidence:
    """`until` is the end of the week, or the watermark of a week that was not over."""

    week: Week
    mark: Mark
    chain: Verification
    entries: tuple[AuditEntry, ...]
    acts: tuple[Act, ...]
    deployments: tuple[str, ...]
    releases: tuple[Release, ...]
    rollouts: tuple[Rollout, ...]
    verdicts: dict[str, tuple[Verdict, ...]]
    rollbacks: tuple[Rollback, ...]
    jobs: tuple[TrainingJob, ...]
    runs: tuple[EvaluationRun, ...]
    readings: tuple[DriftReading, ...]
    lines: tuple[Line, ...]
    lines_before: tuple[Line, ...]
    alerts: tuple[Alert, ...]
    gaps: tuple[Gap, ...]

    @property
    def until(self) -> datetime:
        return min(self.week.until, self.mark.at)

    def during(self, entries: Sequence[AuditEntry]) -> tuple[AuditEntry, ...]:
        """Those of the week."""
        return tuple(entry for entry in entries if self.week.since <= entry.at < self.until)


def gather(store: Store, week: Week, mark: Mark | None, now: datetime) -> Evidence:
    """Everything the sections need. Without a mark it is set here: all that is stored now.

    Rows that change are taken back to the mark, so that a later reading with the same mark gives the same values.
    """
    with store.read() as tx:
        entries = tuple(tx.audit.entries())
        if mark is None:
            mark = Mark(now, len(entries))
        entries = entries[: mark.entries]
        done = acts(entries)
        deployments = tuple(sorted({act.deployment for act in done}))
        until = min(week.until, mark.at)
        rollouts = tuple(_rollouts(tx, entries, done, week, until))
        return Evidence(
            week=week,
            mark=mark,
            chain=verify(entries),
            entries=entries,
            acts=done,
            deployments=deployments,
            releases=tuple(_releases(tx, until, mark)),
            rollouts=rollouts,
            verdicts={rollout.id: _verdicts(tx, rollout.id, week, until) for rollout in rollouts},
            rollbacks=tuple(_rollbacks(tx, deployments, week, until, mark)),
            jobs=tuple(_jobs(tx, week, until, mark)),
            runs=tuple(_run_at(run, mark) for run in tx.evaluations.between(week.since, until)),
            readings=tuple(tx.drift.between(week.since, until)),
            lines=tuple(_line(*row) for row in tx.exchanges.between(week.since, until)),
            lines_before=tuple(
                _line(*row) for row in tx.exchanges.between(week.since - timedelta(days=7), week.since)
            ),
            alerts=tuple(_alert_at(alert, mark) for alert in tx.alerts.between(week.since, until)),
            gaps=tuple(tx.gaps.between(week.since, until)),
        )


def _rollouts(
    tx: Transaction, entries: Sequence[AuditEntry], done: Sequence[Act], week: Week, until: datetime
) -> Iterator[Rollout]:
    """Open at some time of the week, oldest first."""
    for deployment in sorted({act.deployment for act in done}):
        for rollout in reversed(tx.rollouts.of(deployment)):
            ended = next((act.at for act in done if act.ends(rollout.id)), None)
            if rollout.created_at < until and (ended is None or ended >= week.since):
                yield as_it_stood(rollout, entries, done, until)


def _verdicts(tx: Transaction, rollout: str, week: Week, until: datetime) -> tuple[Verdict, ...]:
    said = reversed(tx.verdicts.of(rollout, ALL_VERDICTS))
    return tuple(verdict for verdict in said if week.since <= verdict.at < until)


def _rollbacks(
    tx: Transaction, deployments: Sequence[str], week: Week, until: datetime, mark: Mark
) -> Iterator[Rollback]:
    for deployment in deployments:
        for rollback in reversed(tx.rollbacks.of(deployment)):
            if week.since <= rollback.requested_at < until:
                ended = rollback.finished_at is not None and rollback.finished_at < mark.at
                yield rollback if ended else _under_way(rollback)


def _under_way(rollback: Rollback) -> Rollback:
    unknown = {"switched_at": None, "finished_at": None, "proofs": (), "outcome": ""}
    return rollback.model_copy(update={"state": RollbackState.INTENDED, **unknown})


def _releases(tx: Transaction, until: datetime, mark: Mark) -> Iterator[Release]:
    for release in tx.releases.all():
        if release.created_at >= until:
            continue
        passport = release.passport
        if passport is not None and passport.merged_at >= mark.at:
            yield release.model_copy(update={"state": ReleaseState.MERGING, "passport": None, "reason": ""})
        else:
            yield release


def _jobs(tx: Transaction, week: Week, until: datetime, mark: Mark) -> Iterator[TrainingJob]:
    """Under way at some time of the week, oldest first."""
    for job in reversed(tx.training.all()):
        if job.started_at < until and (job.ended_at is None or job.ended_at >= week.since):
            yield _job_at(job, mark)


def _job_at(job: TrainingJob, mark: Mark) -> TrainingJob:
    """One that had not ended by then is running, as far as anybody knows."""
    if job.ended_at is not None and job.ended_at < mark.at:
        return job
    return TrainingJob(
        id=job.id,
        release=job.release,
        spec=job.spec,
        state=TrainingState.RUNNING,
        by=job.by,
        host=job.host,
        pid=job.pid,
        started_at=job.started_at,
        heartbeat_at=job.started_at,
        steps=job.steps,
    )


def _run_at(run: EvaluationRun, mark: Mark) -> EvaluationRun:
    if run.state.final and run.ended_at is not None and run.ended_at < mark.at:
        return run
    return EvaluationRun(
        id=run.id,
        suite=run.suite,
        release=run.release,
        deployment=run.deployment,
        trigger=run.trigger,
        state=RunState.RUNNING,
        requested_by=run.requested_by,
        requested_at=run.requested_at,
    )


def _alert_at(alert: Alert, mark: Mark) -> Alert:
    known = alert.ends_at is not None and alert.ends_at < mark.at
    return alert if known else alert.model_copy(update={"ends_at": None})


def _line(exchange: Exchange, scores: AnswerScores | None) -> Line:
    return Line(
        at=exchange.arrival,
        deployment=exchange.deployment,
        release=exchange.release,
        role=exchange.role,
        error=str(exchange.error or (f"http_{exchange.status}" if exchange.status >= 400 else "")),
        completed=None if scores is None else scores.completed == 1.0,
        valid=None if scores is None else scores.valid_answer,
        latency_s=_seconds(exchange.arrival, exchange.last_byte),
        first_byte_s=_seconds(exchange.arrival, exchange.first_byte),
        length=None if scores is None else scores.length,
        prompt_tokens=None if exchange.usage is None else exchange.usage.prompt_tokens,
        completion_tokens=None if exchange.usage is None else exchange.usage.completion_tokens,
        tool_calls=len(exchange.tool_calls),
        finish=exchange.finish or "none",
    )


def _seconds(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else round((end - start).total_seconds(), 6)
