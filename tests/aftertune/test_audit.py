"""The hash chain: what it covers, and that any change shows where it was made."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aftertune.audit import GENESIS, AuditEntry, Verification, chain, verify

AT = datetime(2026, 1, 5, 8, 30, 0, 250, tzinfo=UTC)

texts = st.text(max_size=8)
json_bodies = st.dictionaries(texts, st.none() | st.booleans() | st.integers(-1000, 1000) | texts, max_size=3)
acts = st.lists(st.tuples(texts, texts, texts, json_bodies), min_size=2, max_size=6)


def chained(content: Sequence[tuple[str, str, str, dict[str, Any]]]) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for seq, (actor, action, subject, body) in enumerate(content, start=1):
        head = entries[-1].hash if entries else GENESIS
        entries.append(chain(head, seq, AT + timedelta(seconds=seq), actor, action, subject, body))
    return entries


def test_hash_is_sha256_over_canonical_json() -> None:
    entry = chain(GENESIS, 1, AT, "olga", "promote", "tasks", {"to": "v2", "at": 1})
    assert entry.body == '{"at":1,"to":"v2"}'
    covered = [GENESIS, 1, "2026-01-05T08:30:00.000250+00:00", "olga", "promote", "tasks", entry.body]
    canonical = json.dumps(covered, separators=(",", ":"), ensure_ascii=False)
    assert entry.hash == hashlib.sha256(canonical.encode()).hexdigest()
    assert entry.hash == "f26d7c38d964413d3cb1aef3e8afbb330de80bcf5dba461faeecda879ba35184"


def test_empty_chain_verifies() -> None:
    assert verify([]) == Verification(ok=True, entries=0, head=GENESIS)


@given(acts)
def test_untouched_chain_verifies(content: list[tuple[str, str, str, dict[str, Any]]]) -> None:
    entries = chained(content)
    assert verify(entries) == Verification(ok=True, entries=len(entries), head=entries[-1].hash)


@given(acts, st.data())
def test_any_changed_field_is_found_at_its_entry(
    content: list[tuple[str, str, str, dict[str, Any]]], data: st.DataObject
) -> None:
    entries = chained(content)
    index = data.draw(st.integers(0, len(entries) - 1))
    field = data.draw(st.sampled_from(sorted(AuditEntry.model_fields)))
    new: Any = {
        "seq": st.integers(-3, 10),
        "at": st.datetimes(timezones=st.just(UTC)),
    }.get(field, texts)
    value = data.draw(new)
    assume(value != getattr(entries[index], field))
    entries[index] = entries[index].model_copy(update={field: value})
    found = verify(entries)
    assert not found.ok
    assert (found.first_bad, found.entries) == (index + 1, index)
    assert found.reason


@given(acts, st.data())
def test_entry_rewritten_with_a_fitting_hash_is_found_at_the_next(
    content: list[tuple[str, str, str, dict[str, Any]]], data: st.DataObject
) -> None:
    entries = chained(content)
    index = data.draw(st.integers(0, len(entries) - 2))
    old = entries[index]
    entries[index] = chain(old.prev_hash, old.seq, old.at, old.actor + "!", old.action, old.subject, {})
    assert verify(entries).first_bad == index + 2


@given(acts, st.data())
def test_removed_entry_is_found_where_it_is_missing(
    content: list[tuple[str, str, str, dict[str, Any]]], data: st.DataObject
) -> None:
    entries = chained(content)
    index = data.draw(st.integers(0, len(entries) - 2))
    del entries[index]
    found = verify(entries)
    assert (found.ok, found.first_bad) == (False, index + 1)
    assert "missing" in found.reason


@given(acts, st.data())
def test_reordered_entries_are_found_at_the_first_in_the_wrong_place(
    content: list[tuple[str, str, str, dict[str, Any]]], data: st.DataObject
) -> None:
    entries = chained(content)
    order = data.draw(st.permutations(range(len(entries))))
    assume(order != sorted(order))
    wrong = next(place for place, index in enumerate(order) if place != index)
    found = verify([entries[index] for index in order])
    assert (found.ok, found.first_bad) == (False, wrong + 1)


@given(acts)
def test_cut_tail_shows_only_as_another_head(content: list[tuple[str, str, str, dict[str, Any]]]) -> None:
    entries = chained(content)
    cut = verify(entries[:-1])
    assert cut.ok
    assert cut.head != entries[-1].hash


def test_the_same_moment_in_another_zone_gives_the_same_entry() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=2)))
    assert chain(GENESIS, 1, elsewhere, "a", "b", "c", {}) == chain(GENESIS, 1, AT, "a", "b", "c", {})


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        chain(GENESIS, 1, AT.replace(tzinfo=None), "a", "b", "c", {})


def test_a_body_that_is_not_json_is_refused() -> None:
    with pytest.raises(ValueError):
        chain(GENESIS, 1, AT, "a", "b", "c", {"rate": float("nan")})
