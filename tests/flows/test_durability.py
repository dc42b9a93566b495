"""The durability campaigns at reduced size; in full: `python -m benchmarks.durability`."""

from pathlib import Path

from benchmarks.durability.campaigns import database_away, full_disk, kills
from tests.postgres import Postgres

RATE = 20.0


def test_kill_9_of_the_router_and_of_ingest_loses_and_repeats_nothing(tmp_path: Path) -> None:
    found, killed = kills(tmp_path, f"sqlite:///{tmp_path}/a.db", count=4, rate=RATE, seed=1)

    assert killed == (2, 2)
    assert found.whole > 20
    assert (found.lost, found.twice, found.gap_records) == (0, 0, 0)
    # At most the copies of the last 10 ms before each kill are missing.
    assert found.pairs > found.whole / 2


def test_a_full_disk_costs_records_that_gaps_count_and_no_traffic(tmp_path: Path) -> None:
    found = full_disk(tmp_path, f"sqlite:///{tmp_path}/a.db", seconds=2, rate=RATE)

    assert found.failed == 0
    assert 0 < found.lost <= found.gap_records
    assert found.twice == 0
    assert found.whole == found.stored_live + found.lost
    # Each request has two legs at most, and none is both stored and counted.
    assert found.stored_live + found.stored_shadow + found.gap_records <= 2 * found.whole


def test_without_its_database_nothing_is_lost(tmp_path: Path, postgres: Postgres) -> None:
    found, _ = database_away(tmp_path, postgres, seconds=2, rate=RATE)

    assert (found.failed, found.lost, found.twice, found.gap_records) == (0, 0, 0, 0)
    assert found.pairs > found.whole / 2
