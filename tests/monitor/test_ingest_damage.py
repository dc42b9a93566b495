"""What ingest does with a file that it cannot read, or not wholly: nothing is thrown away, nothing else waits."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from aftertune.clock import ManualClock
from aftertune.spool import encode, open_name, scan, seal, sealed_name
from aftertune.store import Store
from aftertune.values.gap import Gap, GapReason
from monitor.ingest import ABANDONED_S, Ingest
from monitor.metrics import Metrics
from tests.aftertune.samples import AT
from tests.monitor.spooling import HEADER, SALT, Leg, gap_record, legs, many, write
from tests.monitor.test_ingest import stored
from tests.monitor.wire import completion, header, request


def refused(metrics: Metrics, reason: str) -> float | None:
    return metrics.registry.get_sample_value("aftertune_ingest_refused_records_total", {"reason": reason})


def audited(store: Store) -> list[tuple[str, str]]:
    with store.read() as tx:
        return [(entry.action, entry.subject) for entry in tx.audit.entries()]


def suffixes(folder: Path) -> list[str]:
    return sorted(path.suffix for path in folder.iterdir())


def test_a_torn_tail_that_nobody_will_finish_is_kept_aside(ingest: Ingest, spool: Path, store: Store) -> None:
    half = legs(5)[0].record()[:-4]
    (path,) = write(spool / "router-1", many(1), torn=half)
    seal(path)

    ingest.run()

    (kept,) = (spool / "router-1").iterdir()
    assert kept.suffix == ".torn"
    assert kept.read_bytes() == HEADER + half
    assert kept.stat().st_mode & 0o777 == 0o600
    assert stored(store) == (2, 1)


def test_damage_is_kept_aside_and_the_records_behind_it_are_read(
    ingest: Ingest, spool: Path, store: Store, metrics: Metrics
) -> None:
    (path,) = write(spool / "router-1", many(3))
    raw = bytearray(path.read_bytes())
    damaged = len(HEADER) + len(many(3)[0].record())
    raw[damaged + 40] ^= 0xFF
    path.write_bytes(raw)
    sealed = seal(path)
    list(write(spool / "router-2", [Leg(header("other"), request("hi"), completion("yes"))]))

    ingest.run()
    ingest.run()

    assert stored(store) == (6, 2)
    (kept,) = (spool / "router-1").iterdir()
    assert kept.suffix == ".damaged"
    assert kept.read_bytes()[len(HEADER) :] == raw[damaged : damaged + len(many(3)[1].record())]
    assert audited(store) == [("segment_damaged", f"router-1/{sealed.name}")]
    assert refused(metrics, "corrupt") == 1.0


def test_damage_up_to_the_end_leaves_nothing_to_wait_for(ingest: Ingest, spool: Path, store: Store) -> None:
    (path,) = write(spool / "router-1", many(1), torn=b"\x00" * 5000)
    seal(path)

    ingest.run()

    assert suffixes(spool / "router-1") == [".damaged"]
    assert stored(store) == (2, 1)


def test_an_open_segment_is_judged_when_it_is_sealed(
    ingest: Ingest, spool: Path, store: Store, metrics: Metrics
) -> None:
    """Its writer may be cutting a half-written record back while it is read."""
    (path,) = write(spool / "router-1", many(1), torn=b"\x00" * 5000)

    assert ingest.run() == 2
    assert suffixes(spool / "router-1") == [".open"]
    assert not refused(metrics, "corrupt")
    path.write_bytes(path.read_bytes()[:-5000] + legs(5)[0].record())
    assert ingest.run() == 1


def test_a_file_that_is_no_segment_is_audited_once_though_the_rename_failed(
    ingest: Ingest, spool: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = spool / "router-1" / sealed_name(3)
    bad.parent.mkdir(parents=True)
    bad.write_bytes(b"this is no segment at all")

    def no_rename(self: Path, target: Path) -> Path:
        raise PermissionError("read-only")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", no_rename)
        with pytest.raises(PermissionError):
            ingest.run()
    ingest.run()

    assert audited(store) == [("segment_corrupt", f"router-1/{bad.name}")]
    assert bad.with_suffix(".corrupt").exists()


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (encode(SALT, b'{"schema_version": 2}', b"request", b"answer"), "header"),
        (encode(SALT, b"{}", b"", b"", 77), "kind"),
    ],
)
def test_a_record_of_another_version_is_kept_and_the_next_ones_are_read(
    ingest: Ingest, spool: Path, store: Store, metrics: Metrics, record: bytes, reason: str
) -> None:
    path = spool / "router-1" / sealed_name(0)
    path.parent.mkdir(parents=True)
    path.write_bytes(HEADER + record + legs(1)[0].record())

    assert ingest.run() == 2

    assert stored(store) == (1, 0)
    (kept,) = path.parent.iterdir()
    assert kept.suffix == ".refused"
    assert kept.read_bytes() == HEADER + record
    assert kept.stat().st_mode & 0o777 == 0o600
    assert len(list(scan(kept))) == 1
    assert refused(metrics, reason) == 1.0


def test_gaps_are_stored_once(ingest: Ingest, spool: Path, store: Store) -> None:
    gap = Gap(
        id="g1",
        router="router-1",
        reason=GapReason.DISK,
        records=7,
        since=AT,
        until=AT + timedelta(seconds=3),
    )
    path = spool / "router-1" / sealed_name(0)
    path.parent.mkdir(parents=True)
    for _ in range(2):
        path.write_bytes(HEADER + gap_record(gap) + legs(1)[0].record() + gap_record(gap))
        assert ingest.run() == 3
    with store.read() as tx:
        assert tx.gaps.between(AT, AT + timedelta(hours=1)) == [gap]
        assert tx.gaps.count(AT, AT + timedelta(hours=1)) == {GapReason.DISK: 7}
        assert tx.gaps.count(AT + timedelta(hours=1), AT + timedelta(hours=2)) == {}
    assert stored(store) == (1, 0)


def test_what_a_router_left_open_when_it_died_leaves_the_spool(
    ingest: Ingest, spool: Path, store: Store, clock: ManualClock
) -> None:
    (path,) = write(spool / "router-1", many(1))
    written = clock.now().timestamp()
    os.utime(path, (written, written))
    ingest.run()
    assert path.exists()

    clock.advance(ABANDONED_S + 1)
    ingest.run()
    ingest.run()

    assert suffixes(spool / "router-1") == []
    assert stored(store) == (2, 1)


def test_the_oldest_record_in_the_spool_is_shown(
    ingest: Ingest, spool: Path, clock: ManualClock, metrics: Metrics
) -> None:
    (path,) = write(spool / "router-1", many(1))
    clock.advance((AT - clock.now()).total_seconds() + 90)
    for expected in (90.0, 90.0):
        ingest.run()
        assert metrics.registry.get_sample_value("aftertune_spool_oldest_record_seconds") == expected
    seal(path)
    ingest.run()
    ingest.run()
    assert metrics.registry.get_sample_value("aftertune_spool_oldest_record_seconds") == 0.0


def test_replay_stores_what_is_new_and_says_what_it_knew(
    ingest: Ingest, spool: Path, store: Store, tmp_path: Path
) -> None:
    (path,) = write(spool / "router-1", many(3), torn=b"\x00" * 99)
    kept = Path(shutil.copy(seal(path), tmp_path / "kept.torn"))
    ingest.run()
    extra = tmp_path / open_name(9)
    extra.write_bytes(HEADER + b"".join(leg.record() for leg in (*legs(2), *legs(3))))

    assert ingest.replay(extra) == (2, 2, 0, 1, ())
    assert ingest.replay(extra) == (0, 4, 0, 0, ())
    again = ingest.replay(kept)
    assert again[:4] == (0, 6, 0, 0)
    assert "no record begins" in again.faults[0]
    assert extra.exists()
    assert stored(store) == (8, 4)
