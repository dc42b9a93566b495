"""A hole in the record: exchanges that happened and were not kept, counted."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from aftertune.values.value import Value


class GapReason(StrEnum):
    """disk_budget: ingest is far behind. disk: the disk refused. memory: too much waited to be written."""

    DISK_BUDGET = "disk_budget"
    DISK = "disk"
    MEMORY = "memory"


class Gap(Value):
    """`records` legs that ended in [since, until] at one router have no record."""

    id: str
    router: str
    reason: GapReason
    records: int = Field(ge=1)
    since: datetime
    until: datetime
