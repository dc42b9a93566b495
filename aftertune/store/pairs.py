"""Pairs: the two answers to one request, scored."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlmodel import Session, col, func, select

from aftertune.errors import NotFound
from aftertune.records import PairRow
from aftertune.store.bulk import chunks, insert_rows, json_text, stored_ids
from aftertune.values.pair import Pair


class PairTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, pair: Pair) -> None:
        """Idempotent: a pair that is stored already stays as it is."""
        self.add_all([pair])

    def add_all(self, pairs: Sequence[Pair]) -> list[Pair]:
        """Store each pair once, by its id; returns those that are new."""
        known = stored_ids(self._session, PairRow.pair_id, (pair.pair_id for pair in pairs))
        first: dict[str, Pair] = {}
        for pair in pairs:
            if pair.pair_id not in known:
                first.setdefault(pair.pair_id, pair)
        new = list(first.values())
        insert_rows(self._session, PairRow, [_row(pair) for pair in new])
        return new

    def get(self, pair_id: str) -> Pair:
        row = self._session.get(PairRow, pair_id)
        if row is None:
            raise NotFound("pair", pair_id)
        return Pair.model_validate(row.body)

    def between(
        self,
        deployment: str,
        stable: str,
        candidate: str,
        since: datetime,
        known: Mapping[str, Pair] = MappingProxyType({}),
    ) -> list[Pair]:
        """Pairs of two releases since a moment, in the order in which they became complete.

        A stored pair never changes: those in `known`, by id, are not read again.
        """
        ids = self._session.exec(
            select(PairRow.pair_id)
            .where(
                PairRow.deployment == deployment,
                PairRow.stable_release == stable,
                PairRow.candidate_release == candidate,
                col(PairRow.at) >= since,
            )
            .order_by(col(PairRow.at), PairRow.pair_id)
        ).all()
        found = dict(known)
        missing = [pair_id for pair_id in ids if pair_id not in found]
        for chunk in chunks(missing):
            rows = self._session.exec(select(PairRow).where(col(PairRow.pair_id).in_(chunk)))
            found |= {row.pair_id: Pair.model_validate(row.body) for row in rows}
        return [found[pair_id] for pair_id in ids]

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


def _row(pair: Pair) -> dict[str, Any]:
    return {
        "pair_id": pair.pair_id,
        "deployment": pair.deployment,
        "stable_release": pair.stable_release,
        "candidate_release": pair.candidate_release,
        "at": pair.at,
        "body": json_text(pair),
    }
