"""A training job: an attached process that reports its progress and ends in a registered release."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from aftertune.values.value import Value


class TrainingState(StrEnum):
    """running → succeeded, stopped (by a person, can go on) or failed (its reason says what to do).

    A job whose machine died stays running; only its heartbeat tells.
    """

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    STOPPED = "stopped"
    FAILED = "failed"


class TrainingPoint(Value):
    """Losses in nats a token; `validation` and `sentinel` only where they were measured.

    `sentinel`: on fixed texts that have nothing to do with the data.
    """

    step: int = Field(ge=0)
    loss: float = Field(description="mean over the steps since the point before")
    validation: float | None = None
    sentinel: float | None = None


class TrainingJob(Value):
    """`id` follows from the release: starting it again goes on from the last checkpoint."""

    id: str
    release: str
    spec: str = Field(description="SHA-256 of the job's settings and data")
    state: TrainingState
    reason: str = ""
    by: str
    host: str
    pid: int
    started_at: datetime
    heartbeat_at: datetime
    ended_at: datetime | None = None
    step: int = Field(default=0, ge=0)
    steps: int = Field(ge=1)
    resumed_from: int | None = Field(default=None, description="the step of the checkpoint it went on from")
    checkpoint: int | None = Field(default=None, description="the step that starting it again goes on from")
    best_step: int | None = None
    best_validation: float | None = None
    points: tuple[TrainingPoint, ...] = ()
    seconds: float = Field(default=0, ge=0, description="of training, over all attempts")
