"""Gaps: stored once, found by time, counted by reason."""

from datetime import timedelta

from aftertune.store import Store
from aftertune.values.gap import Gap, GapReason
from tests.aftertune.samples import AT


def gap(
    identity: str, begins_s: float, ends_s: float, records: int, reason: GapReason = GapReason.DISK
) -> Gap:
    return Gap(
        id=identity,
        router="router-\0\ue000",
        reason=reason,
        records=records,
        since=AT + timedelta(seconds=begins_s),
        until=AT + timedelta(seconds=ends_s),
    )


def test_a_gap_is_stored_once(store: Store) -> None:
    first, second = gap("g1", 0, 1, 3), gap("g2", 5, 6, 4)
    with store.write() as tx:
        assert tx.gaps.add([first, first]) == [first]
    with store.write() as tx:
        assert tx.gaps.add([first, second]) == [second]
        assert tx.gaps.add([]) == []
    with store.read() as tx:
        assert tx.gaps.between(AT, AT + timedelta(minutes=1)) == [first, second]


def test_gaps_are_found_where_they_touch_and_counted_by_reason(store: Store) -> None:
    with store.write() as tx:
        tx.gaps.add(
            [
                gap("before", -9, -5, 1),
                gap("into", -2, 1, 2),
                gap("inside", 2, 3, 4, GapReason.DISK_BUDGET),
                gap("again", 3, 4, 8, GapReason.DISK_BUDGET),
                gap("after", 10, 11, 16),
            ]
        )
    until = AT + timedelta(seconds=10)
    with store.read() as tx:
        assert [each.id for each in tx.gaps.between(AT, until)] == ["into", "inside", "again"]
        assert tx.gaps.count(AT, until) == {GapReason.DISK: 2, GapReason.DISK_BUDGET: 12}
