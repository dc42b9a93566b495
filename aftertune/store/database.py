"""Opening a database by its URL, and its driver's errors in our words."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from aftertune.errors import BadInput, Conflict, Corrupt, Unavailable, UnknownName
from aftertune.store.postgres import use_limits

WRITE = "aftertune_write"
"""Execution option of an engine whose transactions write."""

_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
_BUSY_S = 30.0
_POOL = 4
_OVERFLOW = 8
"""All rooms together stay below PostgreSQL's usual limit of 100 connections."""

_NOT_NOW = frozenset({"42P01", "42703", "25006", "25P03"})
"""SQLSTATEs of a schema that is not there yet, of a server that only reads (a standby), and of an idle limit."""
_DAMAGED = frozenset({"XX001", "XX002"})


def open_database(url: str) -> Engine:
    """An engine for the URL. Raises BadInput; connects only when it is used."""
    address = _address(url)
    # Parameters hold payloads and hashes of credentials: an error must not quote them.
    to_json = partial(json.dumps, allow_nan=False)
    if address.get_backend_name() == "sqlite":
        engine = create_engine(address, json_serializer=to_json, hide_parameters=True)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(
        address,
        json_serializer=to_json,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=_POOL,
        max_overflow=_OVERFLOW,
    )
    use_limits(engine)
    return engine


@contextmanager
def translated() -> Iterator[None]:
    """Raises Conflict, Unavailable or Corrupt in place of the driver's errors; our own mistakes stay what they are."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(f"The database refused the change: {_said(error)}.") from error
    except (OperationalError, PoolTimeout) as error:
        raise _unavailable(error) from error
    except DatabaseError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state in _NOT_NOW:
            raise _unavailable(error) from error
        if type(error) is not DatabaseError and state not in _DAMAGED:
            raise  # a subclass blames the statement: our own mistake
        raise Corrupt(
            f"The database cannot be read: {_said(error)}.", "Restore it from a backup; keep the file."
        ) from error
    except psycopg.OperationalError as error:  # from a connection that is used without SQLAlchemy
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(
        f"The database does not answer: {_said(error)}.", "Traffic goes on; try again when it is back."
    )


def _said(error: Exception) -> str:
    """The driver's first line: those below it quote values."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return (str(cause).splitlines() or [type(cause).__name__])[0].strip().rstrip(".")


def _address(url: str) -> URL:
    scheme = url.partition(":")[0]
    if scheme not in _DRIVERS:
        known = ("sqlite", "postgresql")
        raise UnknownName("database", scheme if "/" not in scheme else "without a scheme", known)
    try:
        address = make_url(_DRIVERS[scheme] + url[len(scheme) :])
    except (ArgumentError, ValueError):
        address = None
    if address is None or "@" in (address.host or ""):
        # Neither the URL nor its parts are repeated: they may hold the password.
        raise BadInput(
            "The database URL cannot be read.",
            "Write it as postgresql://user:password@host:5432/name, with '@', ':' and '/' in the password "
            "percent-encoded.",
        )
    return address


def _configure_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver must not open transactions by itself: BEGIN IMMEDIATE is ours to send.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_S * 1000:.0f}")
    _write_ahead(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _write_ahead(connection: DBAPIConnection) -> None:
    """SQLite does not apply the busy timeout to a change of the journal mode: programs that start together collide."""
    cursor, deadline = connection.cursor(), time.monotonic() + _BUSY_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            break
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A write transaction takes the lock at once: upgrading a read lock later can deadlock.
    write = connection.get_execution_options().get(WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
