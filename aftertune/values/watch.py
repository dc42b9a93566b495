"""What the nightly runs of a suite on one release say together: quiet, or something fell that nobody changed."""

from enum import StrEnum

from pydantic import Field

from aftertune.values.value import Value


class Outcome(StrEnum):
    """What a night says. `not_measured` is neither quiet nor an alarm."""

    REFERENCE = "reference"
    QUIET = "quiet"
    ALARM = "alarm"
    NOT_MEASURED = "not_measured"


class Shift(Value):
    """A metric over all nights since the reference, less the reference, on the same samples.

    The interval holds at all nights together; None where no spread was seen. It treats the samples as drawn from such
    samples, and the reference's own noise is in it.
    """

    metric: str
    n: int = Field(ge=0, description="samples measured in the reference and since")
    estimate: float
    low: float | None
    high: float | None


class Alarm(Value):
    """The last `nights` nights up to `run` are worse than all before them."""

    metric: str
    run: str = Field(description="the night's run")
    nights: int = Field(ge=1, description="how many nights together")
    n: int = Field(ge=1, description="samples compared")
    estimate: float = Field(description="of the change, in the metric's own direction")
    low: float | None = Field(description="of the change, with the confidence of this look")
    high: float | None
    bound: float = Field(description="the chance of so large a change when nothing changed is at most this")
    level: float = Field(description="what this comparison was allowed to spend")


class Reading(Value):
    """What the newest night says, and what stands. An alarm stands until the signature changes."""

    outcome: Outcome
    run: str
    reference: str = Field(default="", description="the run that the others are held against")
    nights: int = Field(default=0, ge=0, description="measured since the reference")
    metrics: tuple[str, ...] = Field(default=(), description="watched")
    shifts: tuple[Shift, ...] = ()
    alarm: Alarm | None = None
    reason: str
