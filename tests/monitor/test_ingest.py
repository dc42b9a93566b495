"""Spool to store: exactly once, in any order of crashes, with nothing thrown away."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aftertune.audit import verify
from aftertune.spool import seal
from aftertune.store import Store, Transaction
from monitor import batch as batch_module
from monitor import ingest as ingest_module
from monitor.ingest import Ingest
from monitor.metrics import Metrics
from monitor.pairs import Leg as PairedLeg
from monitor.pairs import pair_up
from tests.aftertune.samples import AT
from tests.monitor.spooling import legs, many, write
from tests.monitor.wire import completion


def stored(store: Store) -> tuple[int, int]:
    """Exchanges and pairs."""
    with store.read() as tx:
        return sum(tx.exchanges.count().values()), tx.pairs.count("tasks")


def test_an_empty_spool_is_no_work(ingest: Ingest) -> None:
    assert ingest.run() == 0


def test_both_legs_become_a_scored_pair(ingest: Ingest, spool: Path, store: Store, metrics: Metrics) -> None:
    list(write(spool / "router-1", legs(1)))

    assert ingest.run() == 2

    with store.read() as tx:
        (pair,) = tx.pairs.between("tasks", "v1", "v2", AT)
        exchange = tx.exchanges.get("live1")
        payload = tx.exchanges.payload("live1")
    assert (pair.stable_exchange, pair.candidate_exchange, pair.agreement) == ("live1", "copy1", 1.0)
    assert exchange is not None
    assert exchange.finish == "stop"
    assert exchange.usage is not None
    assert payload is not None
    assert payload.answer == completion("hello")
    assert metrics.registry.get_sample_value("aftertune_pairs_total", {"deployment": "tasks"}) == 1.0
    assert metrics.registry.get_sample_value("aftertune_ingested_exchanges_total", {"role": "shadow"}) == 1.0


def test_legs_that_come_by_different_routers_meet(ingest: Ingest, spool: Path, store: Store) -> None:
    live, copy = legs(1)
    list(write(spool / "router-1", [copy]))
    assert ingest.run() == 1
    list(write(spool / "router-2", [live]))

    assert ingest.run() == 1
    assert stored(store) == (2, 1)


def test_new_records_of_an_open_segment_are_read_from_where_it_stopped(
    ingest: Ingest, spool: Path, store: Store
) -> None:
    (path,) = write(spool / "router-1", many(3))
    assert ingest.run() == 6
    with path.open("ab") as file:
        file.write(b"".join(leg.record() for leg in legs(9)))

    assert ingest.run() == 2
    assert ingest.run() == 0
    assert stored(store) == (8, 4)


def test_a_sealed_segment_goes_when_it_is_read_and_the_newest_stays(
    ingest: Ingest, spool: Path, store: Store
) -> None:
    first, second = write(spool / "router-1", many(2), legs(7))

    ingest.run()

    assert not first.exists()
    assert second.exists()
    assert stored(store) == (6, 3)
    with store.read() as tx:
        assert tx.exchanges.position("router-1", first.name) == 0


def test_a_segment_that_comes_back_adds_nothing(
    ingest: Ingest, spool: Path, store: Store, tmp_path: Path
) -> None:
    first, _ = write(spool / "router-1", many(4), legs(7))
    shutil.copy(first, tmp_path / "kept")
    ingest.run()
    before = stored(store)
    shutil.copy(tmp_path / "kept", first)

    ingest.run()

    assert stored(store) == before
    assert not first.exists()


def test_batches_are_small_transactions(ingest: Ingest, spool: Path, store: Store) -> None:
    list(write(spool / "router-1", many(ingest_module.BATCH + 10)))

    assert ingest.run() == 2 * (ingest_module.BATCH + 10)
    assert stored(store) == (2 * (ingest_module.BATCH + 10), ingest_module.BATCH + 10)


def test_a_torn_tail_waits_to_be_finished(ingest: Ingest, spool: Path, store: Store) -> None:
    record = legs(5)[0].record()
    (path,) = write(spool / "router-1", many(1), torn=record[:-4])
    assert ingest.run() == 2
    with path.open("ab") as file:
        file.write(record[-4:])

    assert ingest.run() == 1
    assert stored(store) == (3, 1)


def test_a_segment_that_is_sealed_while_it_is_read_goes_on_where_it_stopped(
    ingest: Ingest, spool: Path, store: Store
) -> None:
    (path,) = write(spool / "router-1", many(2))
    assert ingest.run() == 4
    with path.open("ab") as file:
        file.write(legs(5)[0].record())
    seal(path)

    assert ingest.run() == 1
    assert list((spool / "router-1").iterdir()) == []


def test_a_file_that_cannot_be_read_does_not_stop_the_others(
    ingest: Ingest, spool: Path, store: Store
) -> None:
    (spool / "router-0" / "0000000000000000.seg").mkdir(parents=True)
    list(write(spool / "router-1", legs(1)))

    with pytest.raises(IsADirectoryError):
        ingest.run()

    assert stored(store) == (2, 1)


def test_a_name_that_is_used_again_is_read_from_its_beginning(
    ingest: Ingest, spool: Path, store: Store
) -> None:
    (path,) = write(spool / "router-1", many(3))
    ingest.run()
    path.unlink()
    list(write(spool / "router-1", [legs(8)[0]]))

    assert ingest.run() == 1
    assert stored(store) == (7, 3)


class Crash(BaseException):
    """Stands for the process's end."""


@pytest.mark.parametrize("after", range(1, 5))
def test_a_crash_inside_a_batch_leaves_nothing_half_done(
    ingest: Ingest, spool: Path, store: Store, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    list(write(spool / "router-1", many(4)))
    monkeypatch.setattr(ingest_module, "BATCH", 3)
    calls = iter(range(1, 100))

    def crash(one: PairedLeg, other: PairedLeg, *, stable: str | None) -> object:
        if next(calls) == after:
            raise Crash
        return pair_up(one, other, stable=stable)

    with monkeypatch.context() as patch:
        patch.setattr(batch_module, "pair_up", crash)
        with pytest.raises(Crash):
            ingest.run()
    assert stored(store)[0] in (0, 3, 6)

    ingest.run()

    assert stored(store) == (8, 4)


def rows(tx: Transaction) -> Iterator[str]:
    for index in range(150):
        for leg in ("live", "copy"):
            if tx.exchanges.get(f"{leg}{index}") is not None:
                yield f"{leg}{index}"


def test_kill_9_in_the_middle_loses_and_repeats_nothing(
    ingest: Ingest, spool: Path, store: Store, tmp_path: Path
) -> None:
    list(write(spool / "router-1", many(75), [leg for i in range(75, 150) for leg in legs(i)]))
    url = store.engine.url.render_as_string(hide_password=False)
    seen = [0]
    for at, moment in ((4, "before"), (3, "after"), (35, "before")):
        command = [sys.executable, "-m", "tests.monitor.ingest_child", url, str(spool), str(at), moment]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"here\n"
            child.send_signal(signal.SIGKILL)
        seen.append(stored(store)[0])
    assert seen == sorted(set(seen)), "each of them got further"
    assert seen[-1] < 300
    ingest.run()

    with store.read() as tx:
        assert len(list(rows(tx))) == 300
        assert sum(tx.exchanges.count().values()) == 300
        assert tx.pairs.count("tasks") == 150
        assert verify(tx.audit.entries()).ok
    assert [path.suffix for path in (spool / "router-1").iterdir()] == [".open"]
