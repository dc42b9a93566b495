"""Who did what: the week's acts from the audit chain."""

from collections import Counter

from aftertune.audit import AuditEntry
from reports.acts import body_of
from reports.cells import count, moment, table
from reports.document import Block, Cell, Nothing, Section
from reports.evidence import Evidence

ROUTINE = frozenset(
    {
        *("sign_in", "sign_out", "read_payload", "verdict", "engine_ready", "engine_stopped"),
        *("release_merging", "segment_corrupt", "record_refused"),
    }
)
"""Counted, and not listed one by one: audit.jsonl has them all."""
LISTED = 200
TOLD = ("reason", "outcome", "release", "candidate", "suite", "check", "week", "roles", "comment", "accepted")
"""What the list tells of an entry's body."""


def changes(evidence: Evidence) -> Section:
    entries = evidence.during(evidence.entries)
    title = "Changes and acts"
    if not entries:
        nothing = Nothing(text="The audit chain has no entry of this week.")
        return Section(name="changes", title=title, blocks=(nothing,))
    columns = (("actor", "By"), ("acts", "Acts"), ("told*", "Which"))
    rows = [_of(actor, entries) for actor in sorted({entry.actor for entry in entries})]
    return Section(
        name="changes",
        title=title,
        blocks=(_listed(entries), table("Acts by person and room", columns, rows)),
    )


def _of(actor: str, entries: tuple[AuditEntry, ...]) -> tuple[Cell, ...]:
    counted = Counter(entry.action.replace("_", " ") for entry in entries if entry.actor == actor)
    told = ", ".join(f"{action} ({n})" if n > 1 else action for action, n in sorted(counted.items()))
    return actor, count(counted.total()), told


def _listed(entries: tuple[AuditEntry, ...]) -> Block:
    told = [entry for entry in entries if entry.action not in ROUTINE]
    if not told:
        return Nothing(text="Nothing was changed in this week; there are only routine entries.")
    left_out = len(told) - LISTED
    note = "Routine entries (sign-ins, reading of payloads, verdicts, engines) are counted below."
    if left_out > 0:
        note += f" The newest {LISTED} of {len(told)} are listed; audit.jsonl has all."
    columns = (
        ("seq", "Entry"),
        ("at", "At (UTC)"),
        ("actor", "By"),
        ("action", "Act"),
        ("subject", "Subject"),
        ("told*", "What it says"),
    )
    return table("Changes", columns, (_row(entry) for entry in told[-LISTED:]), note)


def _row(entry: AuditEntry) -> tuple[Cell, ...]:
    body = body_of(entry)
    said = "; ".join(f"{name}: {_plain(body[name])}" for name in TOLD if body.get(name) not in (None, "", []))
    return (
        count(entry.seq),
        moment(entry.at),
        entry.actor,
        entry.action.replace("_", " "),
        entry.subject,
        said or "–",
    )


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
