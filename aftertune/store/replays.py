"""Stored requests that another release can be asked, and the pair that its answer joins."""

from datetime import datetime

from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from aftertune.errors import NotFound
from aftertune.records import ExchangeRow, PayloadRow
from aftertune.values.exchange import Exchange, ExchangeRole


class ReplayTable:
    """Stable legs with a payload, of releases other than the one that is to answer."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def count(self, deployment: str, release: str, since: datetime, until: datetime) -> int:
        legs = _legs(deployment, release, since, until).subquery()
        return self._session.exec(select(func.count()).select_from(legs)).one()

    def page(
        self, deployment: str, release: str, since: datetime, until: datetime, after: str, limit: int
    ) -> list[Exchange]:
        """In the order of their arrival, behind the leg `after`; empty: from the first one on. Raises NotFound."""
        query = _legs(deployment, release, since, until)
        if after:
            last = self._session.get(ExchangeRow, after)
            if last is None:
                raise NotFound("exchange", after)
            query = query.where(
                (col(ExchangeRow.arrival) > last.arrival)
                | ((col(ExchangeRow.arrival) == last.arrival) & (col(ExchangeRow.exchange_id) > after))
            )
        rows = self._session.exec(
            query.order_by(col(ExchangeRow.arrival), ExchangeRow.exchange_id).limit(limit)
        ).all()
        return [Exchange.model_validate(row.body) for row in rows]

    def answered(self, release: str, legs: list[Exchange]) -> set[str]:
        """Ids of those whose request the release has answered already: live, as a copy, or in a replay."""
        pairs = {leg.pair_id: leg.exchange_id for leg in legs if leg.pair_id is not None}
        rows = self._session.exec(
            select(ExchangeRow.pair_id).where(
                col(ExchangeRow.pair_id).in_(list(pairs)), ExchangeRow.release == release
            )
        ).all()
        return {pairs[pair_id] for pair_id in rows if pair_id is not None}

    def join(self, exchange_id: str) -> str:
        """The leg's pair id; a leg that was never mirrored gets its own id for it, once. Raises NotFound."""
        row = self._session.get(ExchangeRow, exchange_id)
        if row is None:
            raise NotFound("exchange", exchange_id)
        if row.pair_id is None:
            row.pair_id = exchange_id
            row.body = {**row.body, "pair_id": exchange_id}
            self._session.flush()
        return row.pair_id


def _legs(deployment: str, release: str, since: datetime, until: datetime) -> SelectOfScalar[ExchangeRow]:
    return (
        select(ExchangeRow)
        .join(PayloadRow, col(PayloadRow.exchange_id) == ExchangeRow.exchange_id)
        .where(
            ExchangeRow.deployment == deployment,
            ExchangeRow.role == ExchangeRole.STABLE,
            ExchangeRow.release != release,
            col(ExchangeRow.arrival) >= since,
            col(ExchangeRow.arrival) < until,
        )
    )
