"""Drift of a deployment's prompts and answers from a reference window."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from aftertune.values.value import Value


class DriftState(StrEnum):
    """learning (the reference is not full) → watching → alarm; not_measured while no embeddings can be had."""

    LEARNING = "learning"
    WATCHING = "watching"
    ALARM = "alarm"
    NOT_MEASURED = "not_measured"


class DriftCause(StrEnum):
    """Prompts moved: users changed. Answers to prompts like the reference's moved: the model changed."""

    NONE = "none"
    USERS_CHANGED = "users_changed"
    MODEL_CHANGED = "model_changed"


class DriftChart(Value):
    """One sequential detector. It alarms when `statistic` reaches `threshold`."""

    name: str = Field(description="prompts or answers")
    statistic: float = Field(description="evidence of a change, in powers of ten")
    threshold: float
    observations: int = Field(ge=0, description="conversations since the detector was started")


class DriftReading(Value):
    """The state of the watch after `observations` conversations, each counted once, at its opening."""

    deployment: str
    release: str
    at: datetime
    state: DriftState
    cause: DriftCause = DriftCause.NONE
    reason: str = ""
    run_length: int = Field(ge=1, description="expected conversations to a false alarm, over both charts")
    reference: int = Field(ge=0, description="conversations in the reference window so far")
    reference_wanted: int = Field(ge=1)
    reference_digest: str = ""
    observations: int = Field(ge=0)
    charts: tuple[DriftChart, ...] = ()
    encoder: str = Field(default="", description="name and weights digest of the encoder")
    examples: tuple[str, ...] = Field(
        default=(), description="ids of the exchanges that moved the alarming chart most"
    )
