"""What Alertmanager tells: its webhook's body, version 4, as alerts of ours.

Alertmanager tells at least once, and again every repeat interval: only news wakes the controller. Texts and labels
come from whoever may raise an alert, so control characters are made visible and long texts are cut.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from prometheus_client import CollectorRegistry, Counter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from aftertune import telemetry
from aftertune.clock import Clock
from aftertune.errors import BadInput
from aftertune.store import Store
from aftertune.values.alert import Alert

MAX_BODY_BYTES = 1_000_000
MAX_TEXT = 2_000
"""Characters of a label, an annotation or its name; more is cut and marked."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""Control, zero-width and direction-changing characters: PostgreSQL refuses NUL, and the others deceive a reader."""


class BodyTooLarge(BadInput):
    status = 413
    title = "Body too large"

    def __init__(self) -> None:
        super().__init__(f"At most {MAX_BODY_BYTES} bytes are taken.", "Set max_alerts in Alertmanager.")


class Status(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"


class _Told(BaseModel):
    """Fields that we do not read may be there."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class ToldAlert(_Told):
    status: Status
    labels: Annotated[dict[str, str], Field(max_length=64)]
    annotations: Annotated[dict[str, str], Field(max_length=64)] = Field(default_factory=dict)
    starts_at: AwareDatetime = Field(alias="startsAt")
    ends_at: AwareDatetime | None = Field(default=None, alias="endsAt")
    fingerprint: Annotated[str, Field(pattern=r"\A[0-9a-f]{1,64}\z")]


class Notification(_Told):
    """One call of the webhook."""

    version: Literal["4"]
    alerts: Annotated[tuple[ToldAlert, ...], Field(max_length=1_000)]


class Desk:
    """Where alerts come in."""

    def __init__(self, store: Store, clock: Clock, registry: CollectorRegistry) -> None:
        self._store = store
        self._clock = clock
        self._told = Counter(telemetry.ALERTS, "Alerts that were news", ["state"], registry=registry)
        for state in Status:
            self._told.labels(state=state)

    def take(self, body: bytes) -> bool:
        """Store what is told; True when something of it is news. Raises BadInput, Unavailable."""
        alerts = read(body, self._clock.now())
        with self._store.write() as tx:
            news = [alert for alert in alerts if tx.alerts.save(alert)]
        for alert in news:
            self._told.labels(state=Status.FIRING if alert.ends_at is None else Status.RESOLVED).inc()
        return bool(news)


def read(body: bytes, now: datetime) -> tuple[Alert, ...]:
    """Raises BadInput, which says where the body is wrong."""
    try:
        told = Notification.model_validate_json(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "body"
        raise BadInput(
            f"The notification is wrong at {where}: {fault['msg']}.",
            "Send Alertmanager's webhook, version 4.",
        ) from None
    try:
        return tuple(_alert(each, now) for each in told.alerts)
    except OverflowError:
        raise BadInput("A time of the notification lies outside the calendar in UTC.") from None


def _alert(told: ToldAlert, now: datetime) -> Alert:
    labels = {_shown(name): _shown(value) for name, value in told.labels.items()}
    texts = {name: _shown(value) for name, value in told.annotations.items()}
    name = labels.get("alertname", "unnamed")
    return Alert(
        fingerprint=told.fingerprint,
        name=name,
        severity=labels.get("severity", "none"),
        deployment=labels.get("deployment", ""),
        summary=texts.get("summary") or texts.get("description") or name,
        runbook=texts.get("runbook", ""),
        labels=labels,
        starts_at=told.starts_at.astimezone(UTC),
        ends_at=_end(told, now),
        received_at=now,
    )


def _end(told: ToldAlert, now: datetime) -> datetime | None:
    """Alertmanager sends the year 1 as the end of a firing alert; a resolved one without an end ended by now."""
    if told.status is Status.FIRING:
        return None
    if told.ends_at is None or told.ends_at < told.starts_at:
        return now
    return told.ends_at.astimezone(UTC)


def _shown(text: str) -> str:
    visible = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return visible if len(visible) <= MAX_TEXT else visible[: MAX_TEXT - 1] + "…"
