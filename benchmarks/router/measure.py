"""One peer in one round: at capacity, at a constant rate, with streams, and with a shadow that is not well."""

import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.router.bench import Bench, started, temporary_home
from benchmarks.router.engine import Engine
from benchmarks.router.ours import NAME, recorded
from benchmarks.router.peer import Peer
from benchmarks.router.places import PROXY_CORE
from benchmarks.router.reading import Capacity, Pace, Reading, Record, Streams, Trouble

CONNECTIONS = 64
SLOW_US = 500_000
BRISK = 5.0
"""Times a peer's rate: what is left of the added time where the core does not fall asleep between two requests."""
LISTENERS = 8
LISTENED_US = 20_000
"""Latency of chunks is taken from a few streams, half of them direct, with this time between chunks."""


@dataclass(frozen=True)
class Seconds:
    """How long each part of a measurement takes."""

    warm: float
    capacity: float
    pace: float
    streams: float
    trouble: float


def measure(peer: Peer, number: int, seconds: Seconds, load: Path, stable: Engine, shadow: Engine) -> Reading:
    """Start the peer, put it through every part, stop it."""
    with temporary_home() as home:
        with started(peer, home, load, stable, shadow) as bench:
            bench.closed(CONNECTIONS // 4, seconds.warm)
            bench.copies()
            capacity = _capacity(bench, seconds.capacity)
            pace = _pace(bench, seconds.pace)
            streams = _streams(bench, seconds.streams)
            slow = _slow(bench, seconds.trouble, capacity, pace) if peer.mirrors else None
            dead = _dead(bench, seconds.trouble, capacity, pace) if peer.mirrors else None
            peak = bench.program.peak_rss_mb()
        bench.copies()
        return Reading(
            peer=peer.name,
            round=number,
            capacity=capacity,
            pace=pace,
            streams=streams,
            slow=slow,
            dead=dead,
            peak_mb=peak,
            record=_record(bench, home) if peer.name == NAME else None,
        )


def _capacity(bench: Bench, seconds: float) -> Capacity:
    stable, shadow = bench.stable.counted().connections, bench.shadow.counted().connections
    began, before, busy = time.monotonic(), bench.program.cpu_s(), _core_busy_s()
    seen = bench.closed(CONNECTIONS, seconds)
    spent = bench.program.cpu_s() - before
    others = max(0.0, _core_busy_s() - busy - spent) / (time.monotonic() - began)
    opened = bench.stable.counted().connections - stable + bench.shadow.counted().connections - shadow
    copies = bench.copies()
    # Copies that were still under way when the load ended are part of its price.
    spent = bench.program.cpu_s() - before
    return Capacity(
        cpu_us=_each(spent, seen.answered),
        per_s=seen.per_s,
        p50=seen.latency.p50,
        errors=seen.errors,
        copied=copies / max(1, seen.answered) if bench.peer.mirrors else None,
        connected=opened / max(1, seen.answered),
        others=others,
    )


def _pace(bench: Bench, seconds: float) -> Pace:
    direct, through = bench.beside_direct(seconds)
    bench.copies()
    brisk_direct, brisk = bench.beside_direct(seconds / 2, BRISK)
    bench.copies()
    return Pace(
        p10=_less(through.latency.p10, direct.latency.p10),
        p50=_less(through.latency.p50, direct.latency.p50),
        p90=_less(through.latency.p90, direct.latency.p90),
        brisk_p50=_less(brisk.latency.p50, brisk_direct.latency.p50),
        errors=through.errors + brisk.errors,
    )


def _streams(bench: Bench, seconds: float) -> Streams:
    engines = (bench.stable, bench.shadow)
    for engine in engines:
        engine.tell(interval_us=LISTENED_US)
    ports = [bench.stable.port, bench.port]
    direct, through = bench.load.closed(LISTENERS, seconds, ports, stream=True)
    bench.sent += through.sent
    bench.copies()
    for engine in engines:
        engine.tell(interval_us=bench.peer.step_us, step=1)
    before = bench.program.cpu_s()
    many = bench.closed(bench.peer.streams, seconds, stream=True)
    bench.copies()
    spent = bench.program.cpu_s() - before
    for engine in engines:
        engine.tell(interval_us=0, step=0)
    return Streams(
        first_p50=_less(through.first.p50, direct.first.p50),
        chunk_p50=_less(through.chunk.p50, direct.chunk.p50),
        cpu_us=_each(spent, many.chunk.n),
        whole=many.pieces / max(1, many.chunk.n),
        errors=through.errors + many.errors,
    )


def _slow(bench: Bench, seconds: float, capacity: Capacity, pace: Pace) -> Trouble:
    bench.shadow.tell(delay_us=SLOW_US)
    trouble = _trouble(bench, seconds, capacity, pace)
    bench.shadow.tell(delay_us=0)
    bench.copies()
    return trouble


def _dead(bench: Bench, seconds: float, capacity: Capacity, pace: Pace) -> Trouble:
    bench.shadow.kill()
    trouble = _trouble(bench, seconds, capacity, pace)
    bench.shadow.start()
    return trouble


def _trouble(bench: Bench, seconds: float, capacity: Capacity, pace: Pace) -> Trouble:
    direct, through = bench.beside_direct(seconds)
    full = bench.closed(CONNECTIONS, seconds)
    added = _less(through.latency.p50, direct.latency.p50)
    return Trouble(
        paced_p50=_less(added, pace.p50),
        full_p50=_less(full.latency.p50, capacity.p50),
        errors=through.errors + full.errors,
    )


def _record(bench: Bench, home: Path) -> Record:
    found = recorded(home)
    return Record(
        stable_expected=bench.sent,
        stable_found=found.stable,
        shadow_expected=bench.copied,
        shadow_found=found.answered_by_shadow,
        gaps=found.gaps,
    )


def _core_busy_s() -> float:
    core = psutil.cpu_times(percpu=True)[PROXY_CORE]
    return float(sum(core) - core.idle - core.iowait)


def _each(seconds: float, count: int) -> float:
    """In microseconds."""
    return seconds / max(1, count) * 1e6


def _less(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other
