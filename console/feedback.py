"""What users, programs and reviewers say of answers."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Self

from fastapi import Query
from pydantic import Field, StringConstraints, model_validator

from aftertune.errors import Conflict, Forbidden, NotFound
from aftertune.identity import Permission
from aftertune.redaction.text import TextRedaction, text_redaction
from aftertune.settings.sections import RedactionSettings
from aftertune.stats.interval import wilson
from aftertune.store import Transaction
from aftertune.values.exchange import CapturePolicy
from aftertune.values.feedback import Feedback, FeedbackKind
from aftertune.values.pair import Pair
from aftertune.values.value import Value
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.acting import ActingOf
from console.names import PathName, PathRequestId

router = guarded_router("feedback")

DAYS = 30
"""The summary looks back so far."""

CONFIDENCE = 0.95
LONGEST_TEXT, LONGEST_COMMENT, LONGEST_NAME = 100_000, 10_000, 256

_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
Text = Annotated[str, StringConstraints(pattern=rf"^[^{_CONTROLS}]*$")]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]+$")
]

_KEEPS_NOTHING = frozenset({CapturePolicy.NONE, CapturePolicy.METADATA})
_STRICTEST_FIRST = (
    *(CapturePolicy.NONE, CapturePolicy.METADATA),
    *(CapturePolicy.REDACTED, CapturePolicy.FULL),
)


class NewFeedback(Value):
    """A thumb has `up`, a correction `text` (the answer as it should have been), a label `label`."""

    request_id: Name = Field(description="of the answer it is about: the header x-request-id")
    kind: FeedbackKind
    up: bool | None = None
    label: Name | None = None
    text: Text | None = Field(default=None, max_length=LONGEST_TEXT)
    comment: Text = Field(default="", max_length=LONGEST_COMMENT)
    end_user: Annotated[str, StringConstraints(max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    deployment: Name | None = Field(default=None, description="where the exchange may not be known yet")
    id: Name | None = Field(default=None, description="the same id is stored once; empty: a new one")

    @model_validator(mode="after")
    def _is_feedback(self) -> Self:
        self.as_feedback("id", "giver", datetime.min.replace(tzinfo=UTC))
        return self

    def as_feedback(self, new_id: str, given_by: str, at: datetime) -> Feedback:
        said = self.model_dump(exclude={"id"})
        return Feedback(**said, id=self.id or new_id, given_by=given_by, at=at)

    @property
    def has_words(self) -> bool:
        return bool(self.text or self.comment or self.label)


class FeedbackStored(Value):
    """`new` is False when it was stored before."""

    id: str
    deployment: str | None
    new: bool


class ReleaseFeedback(Value):
    """The share of thumbs that are up, with Wilson's 95 % interval; None where there is no thumb."""

    release: str
    thumbs: int
    up: int
    share: float | None
    low: float | None
    high: float | None
    corrections: int
    labels: int


class FeedbackShown(Value):
    """What the caller may see of it; `hidden` where its words and its end user are left out."""

    id: str
    request_id: str
    kind: FeedbackKind
    up: bool | None
    label: str | None = None
    text: str | None = None
    comment: str = ""
    end_user: str = ""
    given_by: str
    deployment: str | None
    at: datetime
    hidden: bool

    @classmethod
    def of(cls, feedback: Feedback, *, words: bool) -> Self:
        """Words are payload."""
        left_out = set() if words else {"label", "text", "comment", "end_user"}
        return cls(**feedback.model_dump(exclude=left_out), hidden=not words)


class FeedbackView(Value):
    """By release over the last 30 days, and the newest entries; words only for those who may read payloads."""

    since: datetime
    releases: tuple[ReleaseFeedback, ...]
    latest: tuple[FeedbackShown, ...]


@router.post("/v1/feedback", status_code=201, dependencies=[needs(Permission.CHAT)])
def send_feedback(body: NewFeedback, acting: ActingOf, caller: CallerOf) -> FeedbackStored:
    """It may come before its exchange is known. Words are kept as the deployment's capture policy says."""
    with acting.transaction() as tx:
        known = tx.feedback.deployment_of(body.request_id)
        deployment = _deployment(tx, caller, known, body.deployment)
        policy = _policy(tx, deployment)
        said = body.model_copy(update={"deployment": deployment})
        if policy in _KEEPS_NOTHING and said.has_words:
            raise Conflict(
                f"The capture policy {str(policy)!r} keeps no words of users.",
                "Send a thumb without a comment.",
            )
        if policy is CapturePolicy.REDACTED:
            said = _redacted(said, _redaction(acting.context.settings.redaction))
        feedback = said.as_feedback(acting.new_id("fb"), acting.actor, acting.at)
        return FeedbackStored(id=feedback.id, deployment=deployment, new=tx.feedback.add(feedback))


@router.get("/v1/exchanges/{request_id:path}/feedback", dependencies=[needs(Permission.READ)])
def get_feedback(request_id: PathRequestId, context: ContextOf, caller: CallerOf) -> list[FeedbackShown]:
    """Oldest first. Who read words is written into the audit log."""
    with context.store.write() if caller.may(Permission.READ_PAYLOAD) else context.store.read() as tx:
        return list(
            shown_to(tx, caller, tx.feedback.of(request_id), f"{request_id}/feedback", context.clock.now())
        )


@router.get("/v1/deployments/{name}/feedback", dependencies=[needs(Permission.READ)])
def list_feedback(
    name: PathName, context: ContextOf, caller: CallerOf, limit: Annotated[int, Query(ge=1, le=1000)] = 50
) -> FeedbackView:
    """Newest first. Who read words is written into the audit log."""
    with context.store.write() if caller.may(Permission.READ_PAYLOAD) else context.store.read() as tx:
        return feedback_view(tx, caller, tx.deployments.get(name).name, context.clock.now(), limit)


def feedback_view(
    tx: Transaction, caller: Caller, deployment: str, now: datetime, limit: int
) -> FeedbackView:
    """Writes an audit entry where the caller sees words."""
    since = now - timedelta(days=DAYS)
    return FeedbackView(
        since=since,
        releases=tuple(
            _release(t.release, t.up, t.thumbs, t.corrections, t.labels)
            for t in tx.feedback.tally(deployment, since)
        ),
        latest=shown_to(tx, caller, tx.feedback.latest(deployment, limit), f"{deployment}/feedback", now),
    )


def said_of(tx: Transaction, caller: Caller, pair: Pair) -> tuple[FeedbackShown, ...]:
    """Of the pair's request, for a page that has written down who reads it."""
    leg = tx.exchanges.get(pair.stable_exchange)
    entries = tx.feedback.of(leg.request_id) if leg else []
    words = caller.may(Permission.READ_PAYLOAD)
    return tuple(FeedbackShown.of(entry, words=words) for entry in entries)


def shown_to(
    tx: Transaction, caller: Caller, entries: list[Feedback], subject: str, now: datetime
) -> tuple[FeedbackShown, ...]:
    """Without the permission words are left out, with it their reader is written down."""
    words = caller.may(Permission.READ_PAYLOAD)
    if words and any(entry.text or entry.comment or entry.label for entry in entries):
        tx.audit.append(now, caller.name, "read_payload", subject)
    return tuple(FeedbackShown.of(entry, words=words) for entry in entries)


def _release(release: str, up: int, thumbs: int, corrections: int, labels: int) -> ReleaseFeedback:
    interval = wilson(up, thumbs, CONFIDENCE) if thumbs else None
    return ReleaseFeedback(
        release=release,
        thumbs=thumbs,
        up=up,
        share=up / thumbs if thumbs else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        corrections=corrections,
        labels=labels,
    )


def _deployment(tx: Transaction, caller: Caller, known: str | None, named: str | None) -> str | None:
    """The exchange's, else the one that is named; a key speaks only of its own deployments.

    Raises Conflict where the two differ, NotFound, Forbidden.
    """
    if known is not None and named is not None and known != named:
        raise Conflict(
            f"The request is one of another deployment than {named!r}.", "Leave the deployment out."
        )
    own = caller.key.deployments if caller.key else None
    only = own[0] if own is not None and len(own) == 1 else None
    deployment = known or named or only
    if own is not None and deployment not in own:
        raise Forbidden(
            f"{caller.name} may not speak of the deployment {deployment or '(unknown)'}.",
            f"Name one of {', '.join(own)}.",
        )
    if known is None and deployment is not None:
        tx.deployments.get(deployment)
    return deployment


def _policy(tx: Transaction, deployment: str | None) -> CapturePolicy:
    """Where the deployment is not known yet, the strictest of all."""
    policies = {each.capture for each in tx.deployments.all() if deployment in (None, each.name)}
    if not policies:
        raise NotFound("deployment", deployment or "for feedback")
    return next(policy for policy in _STRICTEST_FIRST if policy in policies)


@lru_cache(maxsize=1)
def _redaction(settings: RedactionSettings) -> TextRedaction:
    """Built when it is first needed: it may load models."""
    return text_redaction(settings)


def _redacted(said: NewFeedback, clean: TextRedaction) -> NewFeedback:
    """What stands in place of a finding may be longer than it was."""
    return said.model_copy(
        update={
            "text": None if said.text is None else clean(said.text)[:LONGEST_TEXT],
            "label": None if said.label is None else clean(said.label)[:LONGEST_NAME],
            "comment": clean(said.comment)[:LONGEST_COMMENT],
        }
    )
