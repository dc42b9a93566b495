"""The one store: sessions and every query. Rooms say what they need in values; SQL stays in here.

    with store.write() as tx:      one transaction, serialised against other writers
        tx.exchanges.add(...)
    with store.read() as tx:       a consistent view of one moment

SQLite or PostgreSQL: the URL is all that changes.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import text
from sqlmodel import Session

from aftertune.store.alerts import AlertTable
from aftertune.store.api_keys import ApiKeyTable
from aftertune.store.audit import AuditLog
from aftertune.store.database import WRITE, open_database, translated
from aftertune.store.deployments import DeploymentTable
from aftertune.store.drift import DriftTable
from aftertune.store.evaluations import EvaluationTable
from aftertune.store.exchanges import ExchangeTable
from aftertune.store.feedback import FeedbackTable
from aftertune.store.gaps import GapTable
from aftertune.store.leases import LeaseTable
from aftertune.store.notify import Announcements, Changes, listening
from aftertune.store.pairs import PairTable
from aftertune.store.questions import QuestionTable
from aftertune.store.releases import ReleaseTable
from aftertune.store.replays import ReplayTable
from aftertune.store.reports import ReportTable
from aftertune.store.reviews import ReviewTable
from aftertune.store.rollbacks import RollbackTable
from aftertune.store.rollouts import RolloutTable
from aftertune.store.routing import RoutingTables
from aftertune.store.slots import SlotLedger
from aftertune.store.training import TrainingTable
from aftertune.store.users import UserTable
from aftertune.store.verdicts import VerdictTable

__all__ = ["Store", "Transaction"]

WRITERS_LOCK = 4711
"""PostgreSQL's advisory lock that makes writers take turns, as SQLite's do; a migration holds it too."""
_IDLE_WRITER = "60s"


class Transaction:
    """The tables, inside one transaction."""

    def __init__(self, session: Session) -> None:
        self.alerts = AlertTable(session)
        self.api_keys = ApiKeyTable(session)
        self.audit = AuditLog(session)
        self.deployments = DeploymentTable(session)
        self.drift = DriftTable(session)
        self.evaluations = EvaluationTable(session)
        self.exchanges = ExchangeTable(session)
        self.feedback = FeedbackTable(session)
        self.gaps = GapTable(session)
        self.leases = LeaseTable(session)
        self.pairs = PairTable(session)
        self.questions = QuestionTable(session)
        self.releases = ReleaseTable(session)
        self.replays = ReplayTable(session)
        self.reports = ReportTable(session)
        self.reviews = ReviewTable(session)
        self.rollbacks = RollbackTable(session)
        self.rollouts = RolloutTable(session)
        self.routing = RoutingTables(session)
        self.slots = SlotLedger(session)
        self.training = TrainingTable(session)
        self.users = UserTable(session)
        self.verdicts = VerdictTable(session)


class Store:
    """Opens transactions on a database whose schema is current (see `aftertune.migrations`)."""

    def __init__(self, url: str) -> None:
        """Raises BadInput when the URL names no database that we know; connects only when it is used."""
        self.engine = open_database(url)
        self.announces = self.engine.dialect.name == "postgresql"
        """Whether `announcements` tells of commits; otherwise they are found by looking."""
        self._writing = self.engine.execution_options(**{WRITE: True})
        self._reading = (
            self.engine.execution_options(isolation_level="REPEATABLE READ")
            if self.announces
            else self.engine
        )

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction whose changes, if any, are thrown away. Raises Unavailable, Corrupt."""
        with translated(), Session(self._reading) as session:
            yield Transaction(session)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Commits when the block ends, rolls back when it raises. Raises Unavailable, Corrupt, Conflict."""
        with translated(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            if not self.announces:
                yield Transaction(session)
                return
            # A writer that is stopped in its tracks gives the lock back in the end.
            session.execute(
                text(
                    "SELECT set_config('idle_in_transaction_session_timeout', :idle, true), "
                    "pg_advisory_xact_lock(:lock)"
                ),
                {"idle": _IDLE_WRITER, "lock": WRITERS_LOCK},
            )
            changes = Changes(session)
            yield Transaction(session)
            changes.announce()

    def announcements(self) -> AbstractContextManager[Announcements]:
        """Tells of commits as they happen, where the store `announces` them. Raises Unavailable."""
        return listening(self.engine)

    def close(self) -> None:
        self.engine.dispose()
