"""Every campaign in turn; prints the figures and writes them to `benchmarks/durability.md`.

    python -m benchmarks.durability [--kills 200] [--away-s 600] [--rate 200] [--seed 2026]

Exit code 1 when an answer that a user saw whole is not stored, or is stored twice.
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.durability.account import Account
from benchmarks.durability.campaigns import database_away, full_disk, kills
from tests.postgres import running as postgres

REPORT = Path(__file__).parents[1] / "durability.md"
_COLUMNS = (
    "campaign",
    "answers seen whole",
    "requests that failed",
    "live legs stored",
    "shadow legs stored",
    "pairs",
    "lost",
    "stored twice",
    "in gap records",
)


def main() -> int:
    asked = _arguments()
    rows: list[tuple[str, Account]] = []
    if asked.kills:
        with _home() as home:
            found, killed = kills(home, f"sqlite:///{home}/a.db", asked.kills, asked.rate, asked.seed)
        rows.append((f"{killed.router} kills of the router, {killed.ingest} of ingest", found))
    if asked.disk_s:
        with _home() as home:
            found = full_disk(home, f"sqlite:///{home}/a.db", asked.disk_s, asked.rate)
        rows.append((f"disk full for {asked.disk_s:g} s", found))
    if asked.away_s:
        with _home() as home, postgres() as server:
            found, caught_up = database_away(home, server, asked.away_s, asked.rate)
        rows.append((f"database away for {asked.away_s:g} s; caught up {caught_up:.0f} s later", found))
    report = _report(rows, asked)
    sys.stdout.write(report)
    if not asked.dry:
        REPORT.write_text(report)
    return 0 if all(_whole(found) for _, found in rows) else 1


def _whole(found: Account) -> bool:
    """What is missing is counted in gaps, and nothing is there twice."""
    return found.lost <= found.gap_records and not found.twice


def _report(rows: list[tuple[str, Account]], asked: argparse.Namespace) -> str:
    notes = (
        "*Lost*: a user saw the whole answer and it is not stored. A full disk must lose records: they are in gap "
        "records, beside the shadow legs of the same time. Requests fail only while the router itself is killed."
    )
    lines = [
        "# Durability: what a campaign leaves",
        "",
        (
            f"{platform.machine()}, {os.cpu_count()} cores shared with other work. {asked.rate:g} requests a second asked "
            "for, every one mirrored, half of them streamed; a router process, an ingest process, two engines."
        ),
        (
            f"Written by `python -m benchmarks.durability --kills {asked.kills} --disk-s {asked.disk_s:g} "
            f"--away-s {asked.away_s:g} --rate {asked.rate:g} --seed {asked.seed}`."
        ),
        "",
        "| " + " | ".join(_COLUMNS) + " |",
        "|---" + "|--:" * (len(_COLUMNS) - 1) + "|",
        *(f"| {name} | " + " | ".join(f"{count:,}" for count in found) + " |" for name, found in rows),
        "",
        notes,
        "",
    ]
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--disk-s", type=float, default=20.0, help="seconds of a full disk")
    parser.add_argument("--away-s", type=float, default=600.0, help="seconds without a database")
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--dry", action="store_true", help="print only")
    return parser.parse_args()


@contextmanager
def _home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="aftertune-durability-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    sys.exit(main())
