"""The weekly governance report: a folder of files under one signed manifest."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from aftertune.values.value import Value

WEEK = r"^\d{4}-W(0[1-9]|[1-4]\d|5[0-3])$"


class ReportState(StrEnum):
    REQUESTED = "requested"
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"


class ReportFile(Value):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$")
    sha256: str
    size: int = Field(ge=0, description="bytes")


class Manifest(Value):
    """Every file of the bundle but the manifest and its signature.

    `audit_head` is the audit chain's hash at the watermark: what an auditor keeps elsewhere.
    """

    report: str
    week: str
    revision: int = Field(ge=1)
    preliminary: bool
    watermark: datetime = Field(description="what was stored by then is in the report")
    files: tuple[ReportFile, ...]
    audit_entries: int = Field(ge=0)
    audit_head: str
    versions: dict[str, str]


class Report(Value):
    """`preliminary`: the week was not over at the watermark."""

    id: str
    week: str = Field(pattern=WEEK)
    revision: int = Field(ge=1)
    preliminary: bool
    state: ReportState
    reason: str = ""
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None = None
    watermark: datetime | None = None
    manifest_digest: str = ""
    files: tuple[ReportFile, ...] = Field(
        default=(), description="those that can be downloaded, manifest included"
    )


class SignOff(Value):
    """A reviewer's word on exactly the manifest with this digest."""

    report: str
    manifest_digest: str
    reviewer: str
    accepted: bool
    comment: str
    at: datetime
