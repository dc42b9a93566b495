"""Exchanges, their payloads, their scores, and how far each spool segment was read."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, delete, func, select

from aftertune.records import AnswerRow, ExchangeRow, PayloadRow, SpoolPositionRow
from aftertune.values.exchange import Exchange, ExchangeRole
from aftertune.values.pair import AnswerScores


class Payload(NamedTuple):
    request: bytes
    answer: bytes


class ScoredAnswer(NamedTuple):
    exchange_id: str
    at: datetime
    role: ExchangeRole
    generation: int
    scores: AnswerScores


class ExchangeTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, exchange: Exchange, payload: Payload | None, scores: AnswerScores | None) -> bool:
        """Store one leg once: False when it is stored already (a replayed spool record).

        Scores are None for an answer that is no evidence about its release.
        """
        if self._session.get(ExchangeRow, exchange.exchange_id) is not None:
            return False
        self._session.add(
            ExchangeRow(
                exchange_id=exchange.exchange_id,
                request_id=exchange.request_id,
                pair_id=exchange.pair_id,
                deployment=exchange.deployment,
                release=exchange.release,
                generation=exchange.generation,
                role=exchange.role,
                arrival=exchange.arrival,
                body=exchange.model_dump(mode="json"),
            )
        )
        self._session.flush()
        if payload is not None:
            self._session.add(PayloadRow(exchange_id=exchange.exchange_id, **payload._asdict()))
        if scores is not None:
            self._session.add(
                AnswerRow(
                    exchange_id=exchange.exchange_id,
                    deployment=exchange.deployment,
                    release=exchange.release,
                    role=exchange.role,
                    generation=exchange.generation,
                    at=exchange.ended,
                    scores=scores.model_dump(mode="json"),
                )
            )
        self._session.flush()
        return True

    def get(self, exchange_id: str) -> Exchange | None:
        row = self._session.get(ExchangeRow, exchange_id)
        return Exchange.model_validate(row.body) if row else None

    def by_request(self, request_id: str) -> list[Exchange]:
        rows = self._session.exec(select(ExchangeRow).where(ExchangeRow.request_id == request_id)).all()
        return [Exchange.model_validate(row.body) for row in rows]

    def legs(self, pair_id: str) -> list[Exchange]:
        rows = self._session.exec(select(ExchangeRow).where(ExchangeRow.pair_id == pair_id)).all()
        return [Exchange.model_validate(row.body) for row in rows]

    def payload(self, exchange_id: str) -> Payload | None:
        row = self._session.get(PayloadRow, exchange_id)
        return Payload(row.request, row.answer) if row else None

    def scores(self, exchange_id: str) -> AnswerScores | None:
        row = self._session.get(AnswerRow, exchange_id)
        return AnswerScores.model_validate(row.scores) if row else None

    def answers(
        self, deployment: str, release: str, roles: tuple[ExchangeRole, ...], since: datetime
    ) -> list[ScoredAnswer]:
        """Scored answers of one release in the given roles, in the order in which they ended."""
        rows = self._session.exec(
            select(AnswerRow)
            .where(
                AnswerRow.deployment == deployment,
                AnswerRow.release == release,
                col(AnswerRow.role).in_(roles),
                col(AnswerRow.at) >= since,
            )
            .order_by(col(AnswerRow.at), AnswerRow.exchange_id)
        ).all()
        return [
            ScoredAnswer(
                row.exchange_id,
                row.at,
                ExchangeRole(row.role),
                row.generation,
                AnswerScores.model_validate(row.scores),
            )
            for row in rows
        ]

    def between(self, since: datetime, until: datetime) -> Iterator[tuple[Exchange, AnswerScores | None]]:
        """Arrived in [since, until), in the order of their arrival, with their scores where they have any."""
        rows = self._session.exec(
            select(ExchangeRow, AnswerRow)
            .outerjoin(AnswerRow, col(AnswerRow.exchange_id) == ExchangeRow.exchange_id)
            .where(col(ExchangeRow.arrival) >= since, col(ExchangeRow.arrival) < until)
            .order_by(col(ExchangeRow.arrival), ExchangeRow.exchange_id)
            .execution_options(yield_per=1000)
        )
        for exchange, answer in rows:
            scores = AnswerScores.model_validate(answer.scores) if answer else None
            yield Exchange.model_validate(exchange.body), scores

    def count(self, deployment: str | None = None, since: datetime | None = None) -> dict[ExchangeRole, int]:
        """Exchanges by role."""
        query = select(ExchangeRow.role, func.count()).group_by(ExchangeRow.role)
        if deployment is not None:
            query = query.where(ExchangeRow.deployment == deployment)
        if since is not None:
            query = query.where(col(ExchangeRow.arrival) >= since)
        return {ExchangeRole(role): n for role, n in self._session.exec(query)}

    def position(self, router: str, segment: str) -> int:
        row = self._session.get(SpoolPositionRow, (router, segment))
        return row.next_offset if row else 0

    def set_position(self, router: str, segment: str, next_offset: int) -> None:
        row = self._session.get(SpoolPositionRow, (router, segment))
        if row is None:
            self._session.add(SpoolPositionRow(router=router, segment=segment, next_offset=next_offset))
        else:
            row.next_offset = next_offset

    def forget_position(self, router: str, segment: str) -> None:
        """The segment is gone from the spool; its name may come again."""
        self._session.execute(
            delete(SpoolPositionRow).where(
                col(SpoolPositionRow.router) == router, col(SpoolPositionRow.segment) == segment
            )
        )
