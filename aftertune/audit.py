"""The tamper-evident log: each entry's hash covers its content and the hash before it.

A chain shows any change in its middle. That its tail was cut off shows only against a head that was kept
elsewhere; reports and alerts therefore carry the head.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import rfc8785

from aftertune.values.value import Value

GENESIS = "0" * 64


class AuditEntry(Value):
    """`body` is canonical JSON text (RFC 8785), kept as written so that the hash can be recomputed."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    body: str
    prev_hash: str
    hash: str


class Verification(Value):
    """`first_bad` is the sequence number of the first entry that does not verify."""

    ok: bool
    entries: int
    head: str
    first_bad: int | None = None
    reason: str = ""


def chain(
    prev_hash: str, seq: int, at: datetime, actor: str, action: str, subject: str, body: Mapping[str, Any]
) -> AuditEntry:
    """The next entry: SHA-256 over the RFC 8785 form of [prev_hash, seq, at, actor, action, subject, body].

    `at` is kept in UTC, as the database returns it; raises ValueError when it has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError(f"a naive datetime cannot be chained: {at!r}")
    at = at.astimezone(UTC)
    text = rfc8785.dumps(dict(body)).decode()
    return AuditEntry(
        seq=seq,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        body=text,
        prev_hash=prev_hash,
        hash=_entry_hash(prev_hash, seq, at, actor, action, subject, text),
    )


def verify(entries: Iterable[AuditEntry]) -> Verification:
    """Recompute the whole chain, oldest first."""
    head, count = GENESIS, 0
    for expected_seq, entry in enumerate(entries, start=1):
        if entry.seq != expected_seq:
            return _broken(count, head, expected_seq, f"entry {expected_seq} is missing")
        if entry.prev_hash != head:
            return _broken(count, head, entry.seq, f"entry {entry.seq} does not follow the one before it")
        recomputed = _entry_hash(
            head, entry.seq, entry.at, entry.actor, entry.action, entry.subject, entry.body
        )
        if recomputed != entry.hash:
            return _broken(count, head, entry.seq, f"entry {entry.seq} was changed after it was written")
        head, count = entry.hash, count + 1
    return Verification(ok=True, entries=count, head=head)


def _entry_hash(
    prev_hash: str, seq: int, at: datetime, actor: str, action: str, subject: str, body: str
) -> str:
    return hashlib.sha256(
        rfc8785.dumps([prev_hash, seq, at.isoformat(), actor, action, subject, body])
    ).hexdigest()


def _broken(count: int, head: str, seq: int, reason: str) -> Verification:
    return Verification(ok=False, entries=count, head=head, first_bad=seq, reason=reason)
