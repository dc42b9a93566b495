"""What is SQLite's own: a new file, and a lock that somebody else holds on it."""

import sqlite3
import threading
from pathlib import Path

from aftertune.store import Store


def test_a_new_file_that_another_program_writes_to_is_waited_for(tmp_path: Path) -> None:
    """SQLite itself refuses a change of the journal mode at once, whatever the busy timeout."""
    file = tmp_path / "aftertune.db"
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE audit (seq INTEGER)")
    other.execute("BEGIN IMMEDIATE")
    commit = threading.Timer(0.2, other.execute, ("COMMIT",))
    commit.start()
    store = Store(f"sqlite:///{file}")
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000
    commit.join()
    other.close()
    store.close()
