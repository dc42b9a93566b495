"""Records for ingest from those who are no router: whole segments, sealed when they appear in the spool."""

import os
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from aftertune.durable import flush
from aftertune.errors import BadInput, Unavailable
from aftertune.outside import Record
from aftertune.spool import encode, next_number, open_name, seal, segment_header, take
from aftertune.spool.segment import SALT_BYTES


def deposit(folder: Path, records: Iterable[Record], now: datetime) -> None:
    """Leave the records in a segment of their own, on the disk when this returns.

    A crash in between leaves some of them or none: to deposit them again is harmless. Raises Unavailable.
    """
    try:
        held = take(folder)
    except BadInput as error:
        raise Unavailable(f"The spool folder {folder.name} is in use.", "Try again.") from error
    except OSError as error:
        raise _refused(error) from error
    try:
        _write(folder, records, now.timestamp())
    except OSError as error:
        raise _refused(error) from error
    finally:
        os.close(held)


def _write(folder: Path, records: Iterable[Record], now: float) -> None:
    segment = folder / open_name(next_number(folder, now))
    salt = secrets.token_bytes(SALT_BYTES)
    descriptor = os.open(segment, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(segment_header(salt, now))
            for record in records:
                header = record.header.model_dump_json().encode()
                file.write(encode(salt, header, record.request, record.answer))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        segment.unlink(missing_ok=True)
        raise
    seal(segment)
    flush(folder)


def _refused(error: OSError) -> Unavailable:
    return Unavailable(
        f"The spool cannot be written: {error.strerror}.", "Look at the disk of the spool folder."
    )
