"""What is said about a watch, and when it is worth a row."""

from datetime import datetime, timedelta

from aftertune.values.drift import DriftCause, DriftReading, DriftState
from monitor.drift.watch import Watch

EVERY = 25
"""Conversations between two readings of a watch whose state does not change."""
REPEAT = timedelta(minutes=1)
"""A new reason why drift is not measured waits so long: an encoder that fails in turns must not fill the table."""


def reading(
    deployment: str, stable: str, at: datetime, watch: Watch | None, *, reference: int, run_length: int
) -> DriftReading:
    """Of a watch that works; None: it has not seen anything yet."""
    if watch is None:
        return DriftReading(
            deployment=deployment,
            release=stable,
            at=at,
            state=DriftState.LEARNING,
            reason="Nothing has been observed yet.",
            run_length=run_length,
            reference=0,
            reference_wanted=reference,
            observations=0,
        )
    return DriftReading(
        deployment=deployment,
        release=watch.release,
        at=at,
        state=watch.state,
        cause=watch.alarm.cause if watch.alarm else DriftCause.NONE,
        reason=watch.alarm.reason if watch.alarm else _progress(watch),
        run_length=run_length,
        reference=watch.prompts.learnt,
        reference_wanted=watch.prompts.wanted,
        reference_digest=watch.prompts.digest,
        observations=watch.observations,
        charts=watch.charts(run_length),
        encoder=watch.encoder,
        examples=watch.alarm.examples if watch.alarm else (),
    )


def not_measured(of: DriftReading, reason: str) -> DriftReading:
    """An alarm stands: there is nothing left to measure until somebody has looked at it."""
    if of.state is DriftState.ALARM:
        return of
    return of.model_copy(update={"state": DriftState.NOT_MEASURED, "reason": reason})


def is_due(newest: DriftReading | None, now: DriftReading) -> bool:
    """Whether `now` says something that the newest stored reading does not."""
    if newest is None or (now.state, now.cause, now.release) != (newest.state, newest.cause, newest.release):
        return True
    if now.state is DriftState.NOT_MEASURED:
        return now.reason != newest.reason and now.at - newest.at >= REPEAT
    steps = (now.observations - newest.observations, now.reference - newest.reference)
    return any(step < 0 or step >= EVERY for step in steps)


def _progress(watch: Watch) -> str:
    if not watch.prompts.watching:
        return f"Learning the reference: {watch.prompts.learnt} of {watch.prompts.wanted} conversations."
    if not watch.answers.watching:
        return f"Learning how {watch.release} answers: {watch.answers.learnt} of {watch.answers.wanted} conversations."
    return ""
