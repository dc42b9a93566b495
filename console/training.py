"""Training jobs, as they report themselves."""

from datetime import datetime

from aftertune.identity import Permission
from aftertune.values.training import TrainingJob, TrainingState
from console.access import CallerOf, ContextOf, guarded_router, needs
from console.concealment import job_for
from console.names import PathName
from console.wording import span

router = guarded_router("training")

MISSED = 10
"""Heartbeats in a row that a job may miss before it counts as killed."""


@router.get("/v1/training", dependencies=[needs(Permission.READ)])
def list_jobs(context: ContextOf, caller: CallerOf) -> list[TrainingJob]:
    """Newest first."""
    with context.store.read() as tx:
        return [job_for(caller, job) for job in tx.training.all()]


@router.get("/v1/training/{job}", dependencies=[needs(Permission.READ)])
def get_job(job: PathName, context: ContextOf, caller: CallerOf) -> TrainingJob:
    with context.store.read() as tx:
        return job_for(caller, tx.training.get(job))


def silent(job: TrainingJob, now: datetime, heartbeat_s: float) -> bool:
    """A running job that has not been heard for MISSED heartbeats; nobody else can say that it was killed."""
    age = (now - job.heartbeat_at).total_seconds()
    return job.state is TrainingState.RUNNING and age > MISSED * heartbeat_s


def heartbeat(job: TrainingJob, now: datetime, heartbeat_s: float) -> str:
    """The age of its last word, in words."""
    if job.state is not TrainingState.RUNNING:
        return f"ended {span(now - (job.ended_at or job.heartbeat_at))} ago"
    age = span(now - job.heartbeat_at)
    if silent(job, now, heartbeat_s):
        return (
            f"silent for {age}: probably killed; run the command again, it goes on from its last checkpoint"
        )
    return f"last heard {age} ago"
