"""The one store: sessions and every query. Rooms say what they need in values; SQL stays in here.

    with store.write() as tx:      one transaction, serialised against other writers
        tx.exchanges.add(...)
    with store.read() as tx:       a consistent view

SQLite here; a PostgreSQL URL is all that changes.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from aftertune.errors import Conflict, Corrupt, Unavailable
from aftertune.store.audit import AuditLog
from aftertune.store.deployments import DeploymentTable
from aftertune.store.exchanges import ExchangeTable
from aftertune.store.leases import LeaseTable
from aftertune.store.pairs import PairTable
from aftertune.store.releases import ReleaseTable
from aftertune.store.rollbacks import RollbackTable
from aftertune.store.rollouts import RolloutTable
from aftertune.store.routing import RoutingTables
from aftertune.store.users import UserTable
from aftertune.store.verdicts import VerdictTable

__all__ = ["Store", "Transaction"]


class Transaction:
    """The tables, inside one transaction."""

    def __init__(self, session: Session) -> None:
        self.audit = AuditLog(session)
        self.deployments = DeploymentTable(session)
        self.exchanges = ExchangeTable(session)
        self.leases = LeaseTable(session)
        self.pairs = PairTable(session)
        self.releases = ReleaseTable(session)
        self.rollbacks = RollbackTable(session)
        self.rollouts = RolloutTable(session)
        self.routing = RoutingTables(session)
        self.users = UserTable(session)
        self.verdicts = VerdictTable(session)


class Store:
    """Opens transactions on a database whose schema is current (see `aftertune.migrations`)."""

    def __init__(self, url: str) -> None:
        self.engine = _open(url)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction whose changes, if any, are thrown away. Raises Unavailable, Corrupt."""
        with _translated(), Session(self.engine) as session:
            yield Transaction(session)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Commits when the block ends, rolls back when it raises. Raises Unavailable, Corrupt, Conflict."""
        with (
            _translated(),
            Session(self.engine.execution_options(aftertune_write=True), expire_on_commit=False) as session,
            session.begin(),
        ):
            if self.engine.dialect.name == "postgresql":
                session.execute(text("SELECT pg_advisory_xact_lock(4711)"))
            yield Transaction(session)

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise Conflict(f"The database refused the change: {error.orig}.") from error
    except OperationalError as error:
        raise Unavailable(
            f"The database does not answer: {error.orig}.", "Traffic goes on; try again when it is back."
        ) from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:
            raise  # a subclass blames the statement: our own mistake
        raise Corrupt(
            f"The database cannot be read: {error.orig}.", "Restore it from a backup; keep the file."
        ) from error


def _open(url: str) -> Engine:
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver must not open transactions by itself: BEGIN IMMEDIATE is ours to send.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A write transaction takes the lock at once: upgrading a read lock later can deadlock.
    write = connection.get_execution_options().get("aftertune_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
