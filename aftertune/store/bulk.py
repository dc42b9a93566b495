"""Many rows in one go: COPY on PostgreSQL, executemany on SQLite.

The caller looks first which rows are stored already: writers take turns, so what is not there cannot come meanwhile.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from psycopg import sql
from sqlalchemy import JSON, BigInteger, Integer, LargeBinary, Text, bindparam
from sqlmodel import Session, SQLModel, col, select

from aftertune.columns import UtcDateTime
from aftertune.store.postgres import PostgresConnection, escaped
from aftertune.values.value import Value

CHUNK = 500
"""Ids in one query: databases limit its parameters."""

_POSTGRES_TYPES = (
    (UtcDateTime, "timestamptz"),
    (LargeBinary, "bytea"),
    (BigInteger, "int8"),
    (Integer, "int4"),
)


def chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    """At most CHUNK ids each."""
    listed = list(ids)
    for start in range(0, len(listed), CHUNK):
        yield listed[start : start + CHUNK]


def stored_ids(session: Session, column: Any, ids: Iterable[str]) -> set[str]:
    """Those of the ids that the column holds."""
    return {
        found
        for chunk in chunks(ids)
        for found in session.exec(select(column).where(col(column).in_(chunk))).all()
    }


def json_text(value: Value) -> str:
    """Of a value that holds measured numbers. Raises ValueError where one is none that JSON can hold."""
    return json.dumps(value.model_dump(mode="json"), allow_nan=False)


def insert_rows(session: Session, row: type[SQLModel], values: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that are not there. Values of JSON columns are JSON text already; every mapping has the same keys."""
    if not values:
        return
    connection = session.connection()
    driver = connection.connection.driver_connection
    if isinstance(driver, PostgresConnection):
        _copy(driver, row, values)
        return
    columns = _columns(row)
    texts = {name: bindparam(name, type_=Text) for name in values[0] if isinstance(columns[name].type, JSON)}
    connection.execute(row.__table__.insert().values(texts), list(values))  # type: ignore[attr-defined]


def _copy(connection: PostgresConnection, row: type[SQLModel], values: Sequence[Mapping[str, Any]]) -> None:
    columns, names = _columns(row), list(values[0])
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(str(row.__tablename__)), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    # JSON is text that never holds a NUL; other text may, and PostgreSQL refuses it.
    plain = {name for name in names if not isinstance(columns[name].type, JSON)}
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([_postgres_type(columns[name].type) for name in names])
        for value in values:
            copy.write_row(
                [
                    escaped(cell) if isinstance(cell, str) and name in plain else cell
                    for name, cell in value.items()
                ]
            )


def _columns(row: type[SQLModel]) -> Any:
    return row.__table__.columns  # type: ignore[attr-defined]


def _postgres_type(kind: object) -> str:
    return next((name for known, name in _POSTGRES_TYPES if isinstance(kind, known)), "text")
