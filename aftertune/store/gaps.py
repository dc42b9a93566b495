"""Gaps: how many exchanges have no record, when, at which router and why."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from aftertune.records import GapRow
from aftertune.store.bulk import insert_rows, stored_ids
from aftertune.values.gap import Gap, GapReason


class GapTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, gaps: Sequence[Gap]) -> list[Gap]:
        """Store each gap once, by its id; returns those that are new."""
        known = stored_ids(self._session, GapRow.id, (gap.id for gap in gaps))
        new = list({gap.id: gap for gap in gaps if gap.id not in known}.values())
        insert_rows(
            self._session,
            GapRow,
            [
                {
                    "id": gap.id,
                    "router": gap.router,
                    "since": gap.since,
                    "until": gap.until,
                    "body": gap.model_dump_json(),
                }
                for gap in new
            ],
        )
        return new

    def between(self, since: datetime, until: datetime) -> list[Gap]:
        """Those that touch [since, until), in the order in which they began."""
        rows = self._session.exec(
            select(GapRow)
            .where(col(GapRow.until) >= since, col(GapRow.since) < until)
            .order_by(col(GapRow.since), GapRow.id)
        ).all()
        return [Gap.model_validate(row.body) for row in rows]

    def count(self, since: datetime, until: datetime) -> dict[GapReason, int]:
        """Records lost by the gaps that touch [since, until), by reason."""
        lost: dict[GapReason, int] = {}
        for gap in self.between(since, until):
            lost[gap.reason] = lost.get(gap.reason, 0) + gap.records
        return lost
