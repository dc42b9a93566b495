"""An alert as Alertmanager told it."""

from datetime import datetime

from pydantic import Field

from aftertune.values.value import Value


class Alert(Value):
    """`fingerprint` and `starts_at` name it; `ends_at` is set once it is resolved."""

    fingerprint: str
    name: str
    severity: str
    deployment: str = ""
    summary: str
    runbook: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    starts_at: datetime
    ends_at: datetime | None = None
    received_at: datetime
