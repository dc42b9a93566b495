"""What the spool costs: the writer by record, ingest by record on SQLite and on PostgreSQL.

    python -m benchmarks.spool > benchmarks/spool.md

Records are mirrored chat exchanges: two legs with a request and an answer of about 600 bytes each, a tool call in each
answer, a pair of every two. PostgreSQL is a real one on this machine, with fsync off; SQLite waits for the disk.
"""

import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from aftertune.clock import SystemClock
from aftertune.migrations import upgrade
from aftertune.redaction import redactor
from aftertune.settings import Settings
from aftertune.settings.sections import SpoolSettings
from aftertune.store import Store
from aftertune.values.exchange import CapturePolicy, ExchangeHeader, ExchangeRole, Source
from monitor.ingest import Ingest
from monitor.metrics import Metrics
from serving.router.spool import SpoolWriter
from tests.postgres import running

WRITTEN = 40_000
REPEATS = 5
INGESTED = 20_000
AT = datetime(2026, 1, 5, tzinfo=UTC)
TOOL = {
    "type": "function",
    "function": {
        "name": "create_task",
        "parameters": {
            "type": "object",
            "properties": {"title": {"type": "string"}, "priority": {"enum": ["low", "medium", "high"]}},
            "required": ["title"],
        },
    },
}


class Leg(NamedTuple):
    header: bytes
    request: bytes
    answer: bytes


class Writing(NamedTuple):
    """Microseconds a record: median over repeats, and the 99.9th percentile of single calls."""

    name: str
    wall_us: float
    cpu_us: float
    slow_us: float


def legs(index: int, capture: CapturePolicy) -> tuple[Leg, Leg]:
    """The live leg and the shadow copy of one request."""
    title = f"check the pump seals of line {index}"
    request = {
        "model": "tasks",
        "messages": [
            {"role": "system", "content": "You are TaskMaster. " + "Keep tasks short and true. " * 4},
            {"role": "user", "content": f"Create a task called {title} with high priority, please."},
        ],
        "tools": [TOOL],
        "user": f"user-{index}",
    }
    call = {"name": "create_task", "arguments": json.dumps({"title": title, "priority": "high"})}
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": f"call_{index:024d}", "type": "function", "function": call}],
    }
    answer = {
        "id": f"chatcmpl-{index:032d}",
        "object": "chat.completion",
        "created": 1_767_571_200,
        "model": "tasks",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}],
        "usage": {
            "prompt_tokens": 64,
            "completion_tokens": 28,
            "total_tokens": 92,
            "prompt_tokens_details": None,
        },
        "system_fingerprint": "engine-" + "f" * 60,
    }
    bodies = json.dumps(request).encode(), json.dumps(answer).encode()
    live = _header(index, ExchangeRole.STABLE, "v1", capture)
    copy = _header(index, ExchangeRole.SHADOW, "v2", capture)
    return Leg(live, *bodies), Leg(copy, *bodies)


def _header(index: int, role: ExchangeRole, release: str, capture: CapturePolicy) -> bytes:
    arrival = AT + timedelta(milliseconds=index)
    ended = arrival + timedelta(milliseconds=420)
    header = ExchangeHeader(
        exchange_id=f"{role}-{index:024d}",
        request_id=f"{index:032d}",
        pair_id=f"{index:032d}",
        deployment="tasks",
        release=release,
        generation=3,
        role=role,
        conversation=f"conversation-{index // 3}",
        conversation_source=Source.HEADER,
        end_user=f"user-{index}",
        end_user_source=Source.BODY,
        tenant="plant-1",
        tenant_source=Source.HEADER,
        key="app-1",
        router="router-1",
        arrival=arrival,
        first_byte=arrival + timedelta(milliseconds=90),
        last_byte=ended,
        ended=ended,
        stream=False,
        status=200,
        error=None,
        capture=capture,
    )
    return header.model_dump_json().encode()


def write(
    name: str, folder: Path, settings: SpoolSettings, act: Callable[[SpoolWriter, Leg], None]
) -> Writing:
    leg = legs(1, CapturePolicy.FULL)[0]
    walls, cpus, singles = [], [], []
    writer = SpoolWriter(folder, settings, "router-1")
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.thread_time()
        for _ in range(WRITTEN // REPEATS):
            act(writer, leg)
        walls.append((time.perf_counter() - wall) / (WRITTEN // REPEATS))
        cpus.append((time.thread_time() - cpu) / (WRITTEN // REPEATS))
    for _ in range(WRITTEN // REPEATS):
        began = time.perf_counter()
        act(writer, leg)
        singles.append(time.perf_counter() - began)
    writer.close()
    shutil.rmtree(folder)
    slow = statistics.quantiles(singles, n=1000)[-1]
    return Writing(
        name, *(seconds * 1e6 for seconds in (statistics.median(walls), statistics.median(cpus), slow))
    )


def live(writer: SpoolWriter, leg: Leg) -> None:
    writer.append(leg.header, leg.request, (leg.answer,))


def mirrored(writer: SpoolWriter, leg: Leg) -> None:
    writer.append_later(leg.header, leg.request, (leg.answer,))
    writer.append(leg.header, leg.request, (leg.answer,))


def ingest(store: Store, capture: CapturePolicy) -> tuple[float, float]:
    """Records a second, and microseconds of CPU a record in this process, from a spool full at the beginning."""
    with tempfile.TemporaryDirectory(prefix="aftertune-bench-") as name:
        writer = SpoolWriter(Path(name) / "router-1", SpoolSettings(), "router-1")
        for index in range(INGESTED // 2):
            for leg in legs(index, capture):
                writer.append(leg.header, leg.request, (leg.answer,))
        writer.close()
        reader = Ingest(store, Path(name), SystemClock(), Metrics(), redactor(Settings()))
        began, cpu = time.perf_counter(), time.process_time()
        read = reader.run()
        took, used = time.perf_counter() - began, time.process_time() - cpu
    assert read == INGESTED
    with store.read() as tx:
        assert sum(tx.exchanges.count().values()) == INGESTED
        assert tx.pairs.count("tasks") == INGESTED // 2
    return read / took, used / read * 1e6


@contextmanager
def sqlite() -> Iterator[Callable[[], Store]]:
    with tempfile.TemporaryDirectory(prefix="aftertune-bench-") as name:
        count = iter(range(100))
        yield lambda: _migrated(f"sqlite:///{name}/{next(count)}.db")


@contextmanager
def postgresql() -> Iterator[Callable[[], Store]]:
    with running() as server:
        yield lambda: _migrated(server.url(server.create_database()))


def _migrated(url: str) -> Store:
    store = Store(url)
    upgrade(store.engine)
    return store


def _ingest_rows() -> Iterator[tuple[Any, ...]]:
    for name, database in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
        with database() as fresh:
            for capture in (CapturePolicy.FULL, CapturePolicy.REDACTED):
                store = fresh()
                rate, cpu = ingest(store, capture)
                yield name, capture.value, f"{rate:,.0f}", f"{cpu:.0f}"
                store.close()


def main() -> None:
    say = sys.stdout.write
    leg = legs(1, CapturePolicy.FULL)[0]
    say("# Spool: what it costs\n\n")
    say(
        f"{platform.machine()}, {os.cpu_count()} cores shared with other work (load average {os.getloadavg()[0]:.0f}: read CPU, not wall), Python {platform.python_version()}. "
    )
    say(f"A record: header {len(leg.header)}, request {len(leg.request)}, answer {len(leg.answer)} bytes. ")
    say("Written by `python -m benchmarks.spool > benchmarks/spool.md`.\n\n")
    say("## Writer: microseconds\n\n")
    say(
        "| call | wall, median | CPU of the calling thread | wall, 99.9 % of calls below |\n|---|--:|--:|--:|\n"
    )
    with tempfile.TemporaryDirectory(prefix="aftertune-bench-") as name:
        folder = Path(name) / "router-1"
        for each in (
            write("`append`, group fsync every 50 ms", folder, SpoolSettings(), live),
            write("`append`, no fsync", folder, SpoolSettings(fsync_s=0), live),
            write("`append_later` + `append` (a mirrored request)", folder, SpoolSettings(), mirrored),
        ):
            say(f"| {each.name} | {each.wall_us:.1f} | {each.cpu_us:.1f} | {each.slow_us:.0f} |\n")
    say("\n## Ingest: records a second, one process\n\n")
    say("Read, checked, scored, paired (a pair of every two records) and stored with payloads.\n\n")
    say("| database | capture | records/s | CPU µs a record |\n|---|---|--:|--:|\n")
    for row in _ingest_rows():
        say("| " + " | ".join(row) + " |\n")


if __name__ == "__main__":
    main()
