"""Feedback, joined to the exchange that a user saw by the request's id, whichever of the two came first."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Subquery
from sqlmodel import Session, and_, col, func, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from aftertune.errors import IdempotencyReuse
from aftertune.records import ExchangeRow, FeedbackRow
from aftertune.values.exchange import ExchangeRole
from aftertune.values.feedback import Feedback, FeedbackKind

_SEEN = (ExchangeRole.STABLE, ExchangeRole.CANARY)
"""Roles of the legs whose answer a user saw."""


class Tally(NamedTuple):
    """What was said of one release's answers: one thumb a request and end user, the newest."""

    release: str
    up: int
    thumbs: int
    corrections: int
    labels: int


class FeedbackTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, feedback: Feedback) -> bool:
        """Store it once: False when the same was stored under its id. Raises IdempotencyReuse when it says another.

        Its deployment is filled in where the exchange is known by now.
        """
        known = self._session.get(FeedbackRow, feedback.id)
        if known is not None:
            if _said(Feedback.model_validate(known.body)) != _said(feedback):
                raise IdempotencyReuse(feedback.id)
            return False
        deployment = feedback.deployment or self.deployment_of(feedback.request_id)
        joined = feedback.model_copy(update={"deployment": deployment})
        self._session.add(
            FeedbackRow(
                id=joined.id,
                request_id=joined.request_id,
                deployment=joined.deployment,
                kind=joined.kind,
                at=joined.at,
                body=joined.model_dump(mode="json"),
            )
        )
        self._session.flush()
        return True

    def of(self, request_id: str) -> list[Feedback]:
        """All that was said of one request, oldest first."""
        rows = self._session.exec(
            select(FeedbackRow)
            .where(FeedbackRow.request_id == request_id)
            .order_by(col(FeedbackRow.at), FeedbackRow.id)
        ).all()
        return self._joined(rows)

    def latest(self, deployment: str, limit: int) -> list[Feedback]:
        """Newest first; also what came before its exchange, once that is there."""
        rows = self._session.exec(
            select(FeedbackRow)
            .where(
                or_(
                    FeedbackRow.deployment == deployment,
                    and_(
                        col(FeedbackRow.deployment).is_(None),
                        select(ExchangeRow.exchange_id)
                        .where(
                            ExchangeRow.request_id == FeedbackRow.request_id,
                            ExchangeRow.deployment == deployment,
                            col(ExchangeRow.role).in_(_SEEN),
                        )
                        .exists(),
                    ),
                )
            )
            .order_by(col(FeedbackRow.at).desc(), FeedbackRow.id)
            .limit(limit)
        ).all()
        return self._joined(rows)

    def tally(self, deployment: str, since: datetime) -> list[Tally]:
        """By release, of feedback since a moment whose exchange is known; in the order of the releases' names."""
        said = _newest_of_each(deployment, since)
        rows = self._session.exec(
            select(said.c.release, said.c.kind, said.c.up, func.count())
            .where(said.c.newest == 1)
            .group_by(said.c.release, said.c.kind, said.c.up)
        ).all()
        counts: dict[str, dict[tuple[str, bool], int]] = {}
        for release, kind, up, n in rows:
            of_release = counts.setdefault(release, {})
            of_release[kind, bool(up)] = of_release.get((kind, bool(up)), 0) + n
        return [_tally(release, counts[release]) for release in sorted(counts)]

    def deployment_of(self, request_id: str) -> str | None:
        """Of the exchange that a user saw; None while it is not known."""
        return self._session.exec(
            select(ExchangeRow.deployment)
            .where(ExchangeRow.request_id == request_id, col(ExchangeRow.role).in_(_SEEN))
            .order_by(col(ExchangeRow.arrival).desc())
            .limit(1)
        ).first()

    def _joined(self, rows: Sequence[FeedbackRow]) -> list[Feedback]:
        found = []
        for row in rows:
            feedback = Feedback.model_validate(row.body)
            deployment = feedback.deployment or self.deployment_of(feedback.request_id)
            found.append(feedback.model_copy(update={"deployment": deployment}))
        return found


def _newest_of_each(deployment: str, since: datetime) -> Subquery:
    """Feedback beside the release it is about; `newest` is 1 for the last word of each end user on a request.

    A client that uses a request id again speaks of the newest exchange.
    """
    seen = (
        select(
            ExchangeRow.request_id,
            ExchangeRow.release,
            func.row_number()
            .over(partition_by=ExchangeRow.request_id, order_by=col(ExchangeRow.arrival).desc())
            .label("last"),
        )
        .where(ExchangeRow.deployment == deployment, col(ExchangeRow.role).in_(_SEEN))
        .where(col(ExchangeRow.request_id).in_(_requests(since)))
        .subquery()
    )
    body = col(FeedbackRow.body)
    who = body["end_user"].as_string()
    return (
        select(
            seen.c.release,
            FeedbackRow.kind,
            body["up"].as_boolean().label("up"),
            func.row_number()
            .over(
                partition_by=(FeedbackRow.request_id, FeedbackRow.kind, body["given_by"].as_string(), who),
                order_by=(col(FeedbackRow.at).desc(), FeedbackRow.id),
            )
            .label("newest"),
        )
        .join(seen, and_(seen.c.request_id == FeedbackRow.request_id, seen.c.last == 1))
        .where(
            col(FeedbackRow.at) >= since,
            or_(col(FeedbackRow.deployment).is_(None), FeedbackRow.deployment == deployment),
        )
        .subquery()
    )


def _requests(since: datetime) -> SelectOfScalar[str]:
    return select(FeedbackRow.request_id).where(col(FeedbackRow.at) >= since)


def _tally(release: str, counts: dict[tuple[str, bool], int]) -> Tally:
    def of(kind: FeedbackKind, *ups: bool) -> int:
        return sum(counts.get((kind, up), 0) for up in ups)

    return Tally(
        release=release,
        up=of(FeedbackKind.THUMB, True),
        thumbs=of(FeedbackKind.THUMB, True, False),
        corrections=of(FeedbackKind.CORRECTION, True, False),
        labels=of(FeedbackKind.LABEL, True, False),
    )


def _said(feedback: Feedback) -> dict[str, object]:
    """All but when it came and what was found out since."""
    return feedback.model_dump(exclude={"at", "deployment"})
