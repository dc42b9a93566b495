"""Commits that others wait for are announced (PostgreSQL: NOTIFY), so that nobody waits for the next poll.

An announcement only wakes: whoever hears one reads the state again, and polls all the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event, text
from sqlalchemy.orm import ORMExecuteState, UOWTransaction
from sqlmodel import Session, SQLModel

from aftertune import records
from aftertune.store.database import translated
from aftertune.store.postgres import PostgresConnection

CHANNEL = "aftertune"
ROUTING_TABLES = records.RoutingTableRow.__tablename__
ANNOUNCED = frozenset(
    row.__tablename__
    for row in (
        records.ApiKeyRow,
        records.ApprovalRow,
        records.DeploymentRow,
        records.EngineRow,
        records.EvaluationRow,
        records.OverrideRow,
        records.QuarantineRow,
        records.ReleaseRow,
        records.RollbackRow,
        records.RolloutRow,
        records.RoutingTableRow,
        records.UserRow,
    )
)
"""The tables whose changes are announced: what the controller decides on, and what it publishes."""


class Changes:
    """Which announced tables a session writes to."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tables: set[str] = set()
        event.listen(session, "after_flush", self._flushed)
        event.listen(session, "do_orm_execute", self._executed)

    def announce(self) -> None:
        """In the transaction: heard when it commits, and not if it does not."""
        self._session.flush()
        for table in sorted(self._tables):
            self._session.execute(
                text("SELECT pg_notify(:channel, :table)"), {"channel": CHANNEL, "table": table}
            )

    def _flushed(self, session: Session, _context: UOWTransaction) -> None:
        for row in (*session.new, *session.dirty, *session.deleted):
            self._add(type(row))

    def _executed(self, state: ORMExecuteState) -> None:
        if state.bind_mapper is not None and not state.is_select:
            self._add(state.bind_mapper.class_)

    def _add(self, row: type[SQLModel]) -> None:
        self._tables |= {str(row.__tablename__)} & ANNOUNCED


class Announcements:
    """Listens on one connection. Raises Unavailable when that is lost."""

    def __init__(self, connection: PostgresConnection) -> None:
        self._connection = connection

    def wait(self, timeout_s: float) -> frozenset[str]:
        """Tables that commits have changed; none after so many seconds of silence."""
        with translated():
            heard = self._connection.notifies(timeout=timeout_s, stop_after=1)
            tables = frozenset(announcement.payload for announcement in heard)
            if not tables:
                self._connection.execute("SELECT 1")  # Is it silence, or is nobody there?
            return tables


@contextmanager
def listening(engine: Engine) -> Iterator[Announcements]:
    """A connection of its own. Raises Unavailable."""
    with translated():
        pooled = engine.raw_connection()
        connection = pooled.driver_connection
        pooled.detach()
    assert isinstance(connection, PostgresConnection)
    with connection:
        with translated():
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
        yield Announcements(connection)
