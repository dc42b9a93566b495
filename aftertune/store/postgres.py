"""What a PostgreSQL connection needs besides its address: an end to every wait, and text that may hold any character."""

from typing import Any, TypeVar

import psycopg
from psycopg.abc import Buffer, PQGen
from psycopg.types.string import StrDumperUnknown, TextLoader
from sqlalchemy import Dialect, Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_S = 30
SILENCE_S = 35.0
"""The server itself ends a statement after STATEMENT_TIMEOUT_S; one that says nothing for longer is hung or gone."""

_PARAMETERS = {
    "connect_timeout": str(CONNECT_TIMEOUT_S),
    "application_name": "aftertune",
    "options": f"-c statement_timeout={STATEMENT_TIMEOUT_S}s -c timezone=UTC",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}

# PostgreSQL refuses NUL in text, and whatever a client or a model sent must come back as it was. U+E000, a character
# for private use, is stored twice for itself and before a zero for NUL.
_ESCAPE = "\ue000"

_Answer = TypeVar("_Answer")


class PostgresConnection(psycopg.Connection[Any]):
    """Ends with OperationalError when the server is silent for `silence_s` (None: waits for as long as it takes)."""

    silence_s: float | None = SILENCE_S

    def wait(self, gen: PQGen[_Answer], interval: float = 0.1, timeout: float | None = None) -> _Answer:
        if timeout is not None or self.silence_s is None:
            return super().wait(gen, interval, timeout)
        silence_s = self.silence_s
        try:
            return super().wait(gen, interval, silence_s)
        except psycopg.errors.OperationalError as error:
            if self.closed or error.sqlstate is not None:
                raise
            self.close()  # Nothing that still comes may be taken for the answer to another question.
            raise psycopg.OperationalError(f"the server said nothing for {silence_s:g} s") from error


def use_limits(engine: Engine) -> None:
    """Every connection of the engine is a PostgresConnection; what the URL itself sets stays as it is."""
    event.listen(engine, "do_connect", _connect)


def escaped(text: str) -> str:
    """Without NUL, and without anything else that `unescaped` would take for one."""
    return text.replace(_ESCAPE, _ESCAPE * 2).replace("\0", f"{_ESCAPE}0")


def unescaped(text: str) -> str:
    if _ESCAPE not in text:
        return text
    whole = (part.replace(f"{_ESCAPE}0", "\0") for part in text.split(_ESCAPE * 2))
    return _ESCAPE.join(whole)


def _connect(
    _dialect: Dialect, _entry: ConnectionPoolEntry, arguments: tuple[Any, ...], parameters: dict[str, Any]
) -> PostgresConnection:
    connection = PostgresConnection.connect(*arguments, **(_PARAMETERS | parameters))
    connection.adapters.register_dumper(str, _Dumper)
    for kind in ("text", "varchar"):
        connection.adapters.register_loader(kind, _Loader)
    return connection


class _Dumper(StrDumperUnknown):
    def dump(self, obj: str) -> Buffer | None:
        return super().dump(escaped(obj))


class _Loader(TextLoader):
    def load(self, data: Buffer) -> bytes | str:
        text = super().load(data)
        return unescaped(text) if isinstance(text, str) else text
