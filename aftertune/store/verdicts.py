"""The judge's words, as they were said."""

from sqlmodel import Session, col, select

from aftertune.records import VerdictRow
from aftertune.values.verdict import Verdict


class VerdictTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, verdict: Verdict) -> None:
        self._session.add(
            VerdictRow(
                rollout=verdict.rollout,
                stage=verdict.stage,
                outcome=verdict.outcome,
                at=verdict.at,
                body=verdict.model_dump(mode="json"),
            )
        )
        self._session.flush()

    def of(self, rollout: str, limit: int = 50) -> list[Verdict]:
        """Newest first."""
        rows = self._session.exec(
            select(VerdictRow)
            .where(VerdictRow.rollout == rollout)
            .order_by(col(VerdictRow.id).desc())
            .limit(limit)
        ).all()
        return [Verdict.model_validate(row.body) for row in rows]
