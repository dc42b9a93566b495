"""The week in order: one short sentence for each thing that a reader must know of, with where to look it up."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from types import MappingProxyType
from typing import Any, NamedTuple

from aftertune.audit import AuditEntry
from aftertune.values.deployment import Act as Name
from aftertune.values.drift import DriftReading, DriftState
from aftertune.values.evaluation import EvaluationRun, RunState
from aftertune.values.rollback import Rollback, RollbackState
from reports.acts import Act, body_of
from reports.evidence import Evidence

LONGEST = 240
"""Characters of a sentence; what it refers to has the whole."""


class Event(NamedTuple):
    """`reference`: an entry of the audit chain, the id of a run, rollback or job, or a section of the report."""

    at: datetime
    said: str
    reference: str


def events(evidence: Evidence) -> tuple[Event, ...]:
    """Those of the week, oldest first."""
    found = (
        *_acts(evidence),
        *_entries(evidence),
        *_waivers(evidence),
        *(_run(run) for run in evidence.runs if run.state in (RunState.FAILED, RunState.ERROR)),
        *_unmeasured(evidence.runs),
        *_falls(evidence.runs),
        *(_rollback(rollback) for rollback in evidence.rollbacks),
        *_drift(evidence.readings),
        *_others(evidence),
    )
    return tuple(sorted(found, key=lambda event: event.at))


def alarms(readings: Iterable[DriftReading]) -> list[DriftReading]:
    """The first reading of each alarm. One that only could not be measured for a while is not a new one."""
    measured = [reading for reading in readings if reading.state is not DriftState.NOT_MEASURED]
    return _beginnings(measured, DriftState.ALARM)


def _beginnings(readings: Iterable[DriftReading], state: DriftState) -> list[DriftReading]:
    found: list[DriftReading] = []
    before: dict[str, DriftState] = {}
    for reading in readings:
        if reading.state is state and before.get(reading.deployment) is not state:
            found.append(reading)
        before[reading.deployment] = reading.state
    return found


def _event(at: datetime, said: str, reference: str) -> Event:
    said = said.strip().rstrip(".:")
    return Event(at, f"{said[:LONGEST]}…" if len(said) > LONGEST else f"{said}.", reference)


def _acts(evidence: Evidence) -> Iterator[Event]:
    """What became of deployments; a rollback is told by its own record."""
    for act in evidence.acts:
        if evidence.week.since <= act.at < evidence.until and act.name in _ACTS:
            yield _event(act.at, _ACTS[act.name](act), f"audit {act.seq}")


def _started_canary(act: Act) -> str:
    share = act.after.get("share")
    users = f"{share:.0%} of the users" if isinstance(share, float) else "users"
    return f"{act.after.get('candidate')} began to answer {users} of {act.deployment}{_approved(act)}"


def _approved(act: Act) -> str:
    approvers = act.body.get("approvers")
    return f"; approved by {', '.join(map(str, approvers))}" if isinstance(approvers, list) else ""


def _changed(act: Act) -> str:
    names = (name for name in act.after if name != "generation" and act.after[name] != act.before.get(name))
    return ", ".join(name.replace("_", " ") for name in sorted(names))


_ACTS: Mapping[Name, Callable[[Act], str]] = MappingProxyType(
    {
        Name.CREATE: lambda act: f"{act.actor} created {act.deployment}, served by {act.after.get('stable')}",
        Name.START_SHADOW: lambda act: (
            f"{act.actor} put {act.after.get('candidate')} in shadow of {act.after.get('stable')} on {act.deployment}"
        ),
        Name.START_CANARY: _started_canary,
        Name.PROMOTE: lambda act: (
            f"{act.after.get('stable')} was promoted on {act.deployment} in place of "
            f"{act.before.get('stable')}{_approved(act)}"
        ),
        Name.ABORT: lambda act: (
            f"The trial of {act.before.get('candidate')} on {act.deployment} was ended by {act.actor}: {act.reason}"
        ),
        Name.FREEZE: lambda act: f"{act.actor} froze {act.deployment}: {act.reason}",
        Name.CONFIGURE: lambda act: f"{act.actor} changed {_changed(act)} of {act.deployment}",
        Name.UNFREEZE: lambda act: f"{act.actor} let {act.deployment} change again: {act.reason}",
    }
)


def _entries(evidence: Evidence) -> Iterator[Event]:
    candidates = {rollout.id: rollout.candidate for rollout in evidence.rollouts}
    for entry in evidence.during(evidence.entries):
        if entry.action in _ENTRIES:
            body = body_of(entry)
            rollout = str(body.get("rollout"))
            said = _ENTRIES[entry.action](entry, body, candidates.get(rollout, rollout))
            yield _event(entry.at, said, f"audit {entry.seq}")


_ENTRIES: Mapping[str, Callable[[AuditEntry, dict[str, Any], str], str]] = MappingProxyType(
    {
        "held": lambda entry, body, candidate: (
            f"{candidate} did not pass {body.get('stage', 'its stage')} on {entry.subject} and was held: "
            f"{body.get('reason', '')}"
        ),
        "override_check": lambda entry, body, candidate: (
            f"{entry.actor} waived the {body.get('check', 'check')} of {candidate}: {body.get('reason', '')}"
        ),
        Name.FALL_BACK: lambda entry, body, _candidate: (
            f"{body.get('to')} answered for {body.get('from')} on {entry.subject}: every engine of {body.get('from')} "
            "was down"
        ),
        Name.RETURN: lambda entry, body, _candidate: (
            f"{body.get('to')} answers on {entry.subject} again; {body.get('from')} had stood in since {body.get('since')}"
        ),
        "quarantine": lambda entry, _body, _candidate: f"{entry.subject} went into quarantine",
        "lift_quarantine": lambda entry, body, _candidate: (
            f"{entry.actor} lifted the quarantine of {entry.subject}: {body.get('reason', '')}"
        ),
        "relearn_drift": lambda entry, body, _candidate: (
            f"{entry.actor} gave the drift watch of {entry.subject} a new reference: {body.get('reason', '')}"
        ),
    }
)


def _waivers(evidence: Evidence) -> Iterator[Event]:
    """Suites that one person waived for one release with the same words are one event."""
    waived = [entry for entry in evidence.during(evidence.entries) if entry.action == "waive_suite"]

    def words(entry: AuditEntry) -> tuple[str, str, str]:
        return entry.actor, entry.subject, str(body_of(entry).get("reason", ""))

    for (actor, release, reason), group in groupby(waived, words):
        entries = list(group)
        suites = ", ".join(str(body_of(entry).get("suite", "?")) for entry in entries)
        numbers = ", ".join(str(entry.seq) for entry in entries)
        yield _event(entries[0].at, f"{actor} waived {suites} for {release}: {reason}", f"audit {numbers}")


def _run(run: EvaluationRun) -> Event:
    when = f"{run.release} ({run.trigger.replace('_', ' ')})"
    if run.state is RunState.ERROR:
        said = f"{run.suite} could not be measured on {when}: {run.reason}"
    else:
        missed = [
            f"{gate.metric} {gate.value:.3f} ({'lower' if gate.bound.is_low else 'upper'} end), limit {gate.limit:g}"
            for gate in run.gates
            if gate.passed is False and gate.value is not None
        ]
        said = f"{run.suite} failed on {when}: {'; '.join(missed) or run.reason}"
    return _event(run.ended_at or run.requested_at, said, run.id)


def _unmeasured(runs: Sequence[EvaluationRun]) -> Iterator[Event]:
    """Scores of which no sample was measured, once for all metrics of a suite that the same releases lack."""
    found: dict[tuple[str, str], list[EvaluationRun]] = {}
    for run in runs:
        for score in run.scores:
            if score.estimate is None:
                found.setdefault((run.suite, score.metric), []).append(run)
    lacking: dict[tuple[str, datetime, str], list[str]] = {}
    for (suite, metric), among in found.items():
        releases = ", ".join(dict.fromkeys(run.release for run in among))
        first = among[0].ended_at or among[0].requested_at
        lacking.setdefault((suite, first, releases), []).append(metric)
    for (suite, first, releases), metrics in lacking.items():
        said = f"Not measured of {suite} on {releases}: {', '.join(metrics)}"
        yield _event(first, said, "Details of the evaluations")


def _falls(runs: Sequence[EvaluationRun]) -> Iterator[Event]:
    """Alarms of the nightly watch that began in one of these runs."""
    for run in runs:
        if run.watch is not None and run.watch.alarm is not None and run.watch.alarm.run == run.id:
            said = f"The nightly watch of {run.suite} alarmed on {run.deployment}: {run.watch.reason}"
            yield _event(run.ended_at or run.requested_at, said, run.id)


def _rollback(rollback: Rollback) -> Event:
    how = "automatically" if rollback.automatic else f"by {rollback.actor}"
    took = ""
    if rollback.finished_at is not None:
        took = f" after {(rollback.finished_at - rollback.requested_at).total_seconds():.1f} s"
    ends = {
        RollbackState.COMPLETED: f"was rolled back {how}, proven{took}",
        RollbackState.PARTIAL: f"was rolled back {how}, proven only in part{took} ({rollback.outcome})",
        RollbackState.FAILED: f"was NOT proven to be rolled back {how}{took} ({rollback.outcome})",
    }
    end = ends.get(rollback.state, f"was being rolled back {how} at the watermark")
    said = f"{rollback.deployment} {end}, from {rollback.from_release or '?'} to {rollback.to_release or '?'}"
    return _event(rollback.requested_at, f"{said}: {rollback.reason}", rollback.id)


def _drift(readings: Sequence[DriftReading]) -> Iterator[Event]:
    for reading in alarms(readings):
        cause = reading.cause.replace("_", " ")
        yield _event(reading.at, f"Drift alarm on {reading.deployment}: {cause}", "Drift")
    for reading in _beginnings(readings, DriftState.NOT_MEASURED):
        yield _event(reading.at, f"Drift of {reading.deployment} was not measured: {reading.reason}", "Drift")


def _others(evidence: Evidence) -> Iterator[Event]:
    """Alerts and ended training jobs."""
    for alert in evidence.alerts:
        whom = alert.deployment or "everything"
        said = f"The alert {alert.name} ({alert.severity}) fired for {whom}: {alert.summary}"
        yield _event(alert.starts_at, said, "Alerts")
    for job in evidence.jobs:
        if job.ended_at is not None and evidence.week.since <= job.ended_at < evidence.until:
            said = (
                f"The training of {job.release} {job.state} at step {job.step} of {job.steps}: {job.reason}"
            )
            yield _event(job.ended_at, said, job.id)
