"""Pairs: the two answers to one request, scored."""

from datetime import datetime

from sqlmodel import Session, col, func, select

from aftertune.errors import NotFound
from aftertune.records import PairRow
from aftertune.values.pair import Pair


class PairTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, pair: Pair) -> None:
        """Idempotent: a pair that is stored already stays as it is."""
        if self._session.get(PairRow, pair.pair_id) is None:
            self._session.add(
                PairRow(
                    pair_id=pair.pair_id,
                    deployment=pair.deployment,
                    stable_release=pair.stable_release,
                    candidate_release=pair.candidate_release,
                    at=pair.at,
                    body=pair.model_dump(mode="json"),
                )
            )
            self._session.flush()

    def get(self, pair_id: str) -> Pair:
        row = self._session.get(PairRow, pair_id)
        if row is None:
            raise NotFound("pair", pair_id)
        return Pair.model_validate(row.body)

    def between(self, deployment: str, stable: str, candidate: str, since: datetime) -> list[Pair]:
        """Pairs of two releases since a moment, in the order in which they became complete."""
        rows = self._session.exec(
            select(PairRow)
            .where(
                PairRow.deployment == deployment,
                PairRow.stable_release == stable,
                PairRow.candidate_release == candidate,
                col(PairRow.at) >= since,
            )
            .order_by(col(PairRow.at), PairRow.pair_id)
        ).all()
        return [Pair.model_validate(row.body) for row in rows]

    def latest(self, deployment: str, limit: int) -> list[Pair]:
        """Newest first."""
        rows = self._session.exec(
            select(PairRow)
            .where(PairRow.deployment == deployment)
            .order_by(col(PairRow.at).desc(), PairRow.pair_id)
            .limit(limit)
        ).all()
        return [Pair.model_validate(row.body) for row in rows]

    def count(self, deployment: str) -> int:
        query = select(func.count()).select_from(PairRow).where(PairRow.deployment == deployment)
        return self._session.exec(query).one()
