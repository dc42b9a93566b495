"""When something is done by itself."""

from pydantic import Field, model_validator

from aftertune.values.value import Value


class Schedule(Value):
    """A cron expression or an interval; exactly one of the two."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="names the job in the ledger and in its runs")
    cron: str = Field(default="", description="minute, hour, day, month, weekday")
    every_s: float = Field(default=0.0, ge=0, description="seconds from one slot to the next")
    time_zone: str = Field(default="", description="IANA name; empty: the room's")
    jitter_s: float = Field(default=0.0, ge=0, description="a slot is delayed by less than this")
    misfire_s: float = Field(default=43_200.0, gt=0, description="a slot that is later than this is left out")
    suites: tuple[str, ...] = Field(default=(), description="only these; none: the suites of each release")
    deployments: tuple[str, ...] = Field(default=(), description="only these; none: all")

    @model_validator(mode="after")
    def _cron_or_interval(self) -> "Schedule":
        if bool(self.cron) == bool(self.every_s):
            raise ValueError("a schedule has either cron or every_s")
        return self


NIGHTLY = Schedule(name="nightly", cron="0 2 * * *")
WEEKLY = Schedule(name="weekly", cron="0 4 * * sun")
