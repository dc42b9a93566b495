"""Exchanges, their payloads, their scores, and how far each spool segment was read."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import Session, col, delete, func, select

from aftertune.records import AnswerRow, ExchangeRow, PayloadRow, SpoolPositionRow
from aftertune.store.bulk import chunks, insert_rows, json_text, stored_ids
from aftertune.values.exchange import Exchange, ExchangeRole
from aftertune.values.pair import AnswerScores


class Payload(NamedTuple):
    request: bytes
    answer: bytes


class NewExchange(NamedTuple):
    """`payload` is None where none is kept, `scores` where the answer is no evidence about its release."""

    exchange: Exchange
    payload: Payload | None
    scores: AnswerScores | None


class LegKey(NamedTuple):
    """One leg among those of its request."""

    exchange_id: str
    role: ExchangeRole


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
        return bool(self.add_all([NewExchange(exchange, payload, scores)]))

    def add_all(self, legs: Sequence[NewExchange]) -> list[NewExchange]:
        """Store each leg once, by its exchange id; returns those that are new, in their order."""
        known = stored_ids(self._session, ExchangeRow.exchange_id, (leg.exchange.exchange_id for leg in legs))
        first: dict[str, NewExchange] = {}
        for leg in legs:
            if leg.exchange.exchange_id not in known:
                first.setdefault(leg.exchange.exchange_id, leg)
        new = list(first.values())
        insert_rows(self._session, ExchangeRow, [_exchange_row(leg.exchange) for leg in new])
        insert_rows(
            self._session,
            PayloadRow,
            [
                {"exchange_id": leg.exchange.exchange_id, **leg.payload._asdict()}
                for leg in new
                if leg.payload is not None
            ],
        )
        insert_rows(
            self._session,
            AnswerRow,
            [_answer_row(leg.exchange, leg.scores) for leg in new if leg.scores is not None],
        )
        return new

    def get(self, exchange_id: str) -> Exchange | None:
        row = self._session.get(ExchangeRow, exchange_id)
        return Exchange.model_validate(row.body) if row else None

    def by_request(self, request_id: str) -> list[Exchange]:
        rows = self._session.exec(select(ExchangeRow).where(ExchangeRow.request_id == request_id)).all()
        return [Exchange.model_validate(row.body) for row in rows]

    def legs(self, pair_id: str) -> list[Exchange]:
        rows = self._session.exec(select(ExchangeRow).where(ExchangeRow.pair_id == pair_id)).all()
        return [Exchange.model_validate(row.body) for row in rows]

    def keys_of_pairs(self, pair_ids: Iterable[str]) -> dict[str, list[LegKey]]:
        """The stored legs of each pair id that has any."""
        found: dict[str, list[LegKey]] = {}
        for chunk in chunks(pair_ids):
            rows = self._session.exec(
                select(ExchangeRow.pair_id, ExchangeRow.exchange_id, ExchangeRow.role).where(
                    col(ExchangeRow.pair_id).in_(chunk)
                )
            )
            for pair_id, exchange_id, role in rows:
                if pair_id is not None:
                    found.setdefault(pair_id, []).append(LegKey(exchange_id, ExchangeRole(role)))
        return found

    def with_payload(self, exchange_ids: Iterable[str]) -> list[NewExchange]:
        """Those of the exchanges whose payload is stored, as they were added."""
        rows = [
            row
            for chunk in chunks(exchange_ids)
            for row in self._session.exec(
                select(ExchangeRow, PayloadRow, AnswerRow)
                .join(PayloadRow, col(PayloadRow.exchange_id) == ExchangeRow.exchange_id)
                .outerjoin(AnswerRow, col(AnswerRow.exchange_id) == ExchangeRow.exchange_id)
                .where(col(ExchangeRow.exchange_id).in_(chunk))
            )
        ]
        return [
            NewExchange(
                Exchange.model_validate(exchange.body),
                Payload(payload.request, payload.answer),
                AnswerScores.model_validate(answer.scores) if answer else None,
            )
            for exchange, payload, answer in rows
        ]

    def with_texts(self, exchange_ids: Iterable[str]) -> set[str]:
        """Those of the exchanges of which both the request and the answer are stored."""
        return {
            found
            for chunk in chunks(exchange_ids)
            for found in self._session.exec(
                select(PayloadRow.exchange_id).where(
                    col(PayloadRow.exchange_id).in_(chunk),
                    func.length(PayloadRow.request) > 0,
                    func.length(PayloadRow.answer) > 0,
                )
            )
        }

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


def _exchange_row(exchange: Exchange) -> dict[str, Any]:
    return {
        "exchange_id": exchange.exchange_id,
        "request_id": exchange.request_id,
        "pair_id": exchange.pair_id,
        "deployment": exchange.deployment,
        "release": exchange.release,
        "generation": exchange.generation,
        "role": exchange.role.value,
        "arrival": exchange.arrival,
        "body": exchange.model_dump_json(),
    }


def _answer_row(exchange: Exchange, scores: AnswerScores) -> dict[str, Any]:
    return {
        "exchange_id": exchange.exchange_id,
        "deployment": exchange.deployment,
        "release": exchange.release,
        "role": exchange.role.value,
        "generation": exchange.generation,
        "at": exchange.ended,
        "scores": json_text(scores),
    }
