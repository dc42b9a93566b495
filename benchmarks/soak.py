"""Steady traffic at a real router process for a long time: does it grow, leak or fail?

    python -m benchmarks.soak --minutes 30 --rate 50 > benchmarks/soak.md

Half of the requests are streams of 40 chunks, the rest whole chat answers, completions and embeddings; everything
that can be mirrored is, and the spool is on. Requests start at a constant rate, however long the answers take.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import aiohttp

from benchmarks.routed import DEPLOYMENT, KEY, Routed, routed

MAX_GROWTH = 0.05
MAX_SERIES = 2_000
CHUNKS = 40
WARM_UP = 0.15
"""Share of the time that is left out of account: pools, caches and buffers fill up."""
LOOKS = 200
TIMEOUT_S = 30.0
SETTLE_S = 10.0
POOLED = 64
"""Sockets that may stay open without traffic: idle connections to engines, as many as were in use at once."""

_COUNT = f"count to {CHUNKS - 3}"
"""With the first delta, the finish and `[DONE]`: a stream of 40 events."""
_CHAT = {"model": DEPLOYMENT, "messages": [{"role": "user", "content": _COUNT}]}
_STREAM = ("/v1/chat/completions", {**_CHAT, "stream": True})
_MIX = (
    *(_STREAM, ("/v1/chat/completions", _CHAT), _STREAM),
    *(("/v1/completions", {"model": DEPLOYMENT, "prompt": _COUNT}), _STREAM),
    ("/v1/embeddings", {"model": DEPLOYMENT, "input": "a text"}),
)


@dataclass(frozen=True)
class Look:
    """The router at one moment."""

    at_s: float
    rss_bytes: int
    sockets: int
    threads: int


@dataclass
class Soaked:
    """What a run showed. `outcomes` counts HTTP statuses and the names of errors."""

    seconds: float
    rate: float
    outcomes: Counter[str] = field(default_factory=Counter)
    looks: list[Look] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)
    series: int = 0
    dropped: float = 0.0
    sockets_before: int = 0
    sockets_after: int = 0

    @property
    def warm(self) -> list[Look]:
        return [look for look in self.looks if look.at_s >= WARM_UP * self.seconds]

    @property
    def growth(self) -> float:
        """Of the resident memory, from after the warm-up to the end, as a share: medians of a tenth of the looks."""
        rss = [look.rss_bytes for look in self.warm]
        tenth = max(1, len(rss) // 10)
        return median(rss[-tenth:]) / median(rss[:tenth]) - 1

    @property
    def faults(self) -> list[str]:
        """What must not be, in words."""
        found = [f"{count} × {name}" for name, count in self.outcomes.items() if name != "200"]
        if self.growth > MAX_GROWTH:
            found.append(f"memory grew by {self.growth:.1%}")
        if self.series > MAX_SERIES:
            found.append(f"{self.series} series")
        first, last = self.warm[0], self.warm[-1]
        if last.threads > first.threads:
            found.append(f"threads grew from {first.threads} to {last.threads}")
        if self.sockets_after > self.sockets_before + POOLED:
            found.append(f"{self.sockets_after - self.sockets_before} sockets are left")
        return found


async def soak(router: Routed, seconds: float, rate: float) -> Soaked:
    """Offer `rate` requests a second for `seconds`, and look at the router now and then."""
    seen = Soaked(seconds, rate, sockets_before=router.sockets())
    headers = {"authorization": f"Bearer {KEY}"}
    limits = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(
            f"http://{router.host}:{router.port}",
            headers=headers,
            connector=limits,
            timeout=aiohttp.ClientTimeout(TIMEOUT_S),
        ) as session,
        asyncio.TaskGroup() as group,
    ):
        began, looked = time.monotonic(), 0.0
        for number in range(round(seconds * rate)):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            group.create_task(_ask(session, number, seen))
            at = time.monotonic() - began
            if at >= looked:
                looked += seconds / LOOKS
                seen.looks.append(_look(router, at))
    await _settle(router, seen)
    return seen


async def _ask(session: aiohttp.ClientSession, number: int, seen: Soaked) -> None:
    path, fields = _MIX[number % len(_MIX)]
    began = time.perf_counter()
    try:
        async with session.post(path, json=fields) as answer:
            raw = await answer.read()
            whole = not fields.get("stream") or (raw.count(b"\n\n") == CHUNKS and raw.endswith(b"[DONE]\n\n"))
            seen.outcomes[str(answer.status) if whole else "a stream cut short"] += 1
    except (aiohttp.ClientError, TimeoutError) as error:
        seen.outcomes[type(error).__name__] += 1
    seen.took_s.append(time.perf_counter() - began)


def _look(router: Routed, at_s: float) -> Look:
    return Look(at_s, router.rss_bytes, router.sockets(), router.process.num_threads())


async def _settle(router: Routed, seen: Soaked) -> None:
    """What is left once the clients are gone."""
    samples = router.metrics()
    seen.series = len(samples)
    seen.dropped = sum(
        float(line.rsplit(" ", 1)[1]) for line in samples if line.startswith("aftertune_mirror_dropped_total")
    )
    deadline = time.monotonic() + SETTLE_S
    while router.sockets() > seen.sockets_before + POOLED and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    seen.sockets_after = router.sockets()


def markdown(seen: Soaked) -> str:
    """The page of one run."""
    took = sorted(seen.took_s)
    first, last = seen.warm[0], seen.warm[-1]
    rows = [
        ("requests", f"{sum(seen.outcomes.values()):,}"),
        ("outcomes", ", ".join(f"{name}: {count:,}" for name, count in sorted(seen.outcomes.items()))),
        ("answer time p50, p99, ms", f"{_at(took, 0.5) * 1e3:.1f}, {_at(took, 0.99) * 1e3:.1f}"),
        (
            "memory after the warm-up, at the end, MB",
            f"{first.rss_bytes / 1e6:.1f}, {last.rss_bytes / 1e6:.1f}",
        ),
        ("growth", f"{seen.growth:+.1%} (limit {MAX_GROWTH:.0%})"),
        ("sockets before, after the warm-up, at most, once the clients left", _sockets(seen)),
        ("threads", f"{last.threads}"),
        ("copies dropped", f"{seen.dropped:,.0f}"),
        ("metric series", f"{seen.series:,} (limit {MAX_SERIES:,})"),
        ("faults", "; ".join(seen.faults) or "none"),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return (
        f"# Steady traffic\n\nWritten by `python -m benchmarks.soak --minutes {seen.seconds / 60:g} --rate "
        f"{seen.rate:g}`: half of the requests are streams of {CHUNKS} chunks,\neverything is mirrored and recorded.\n\n"
        f"| | |\n|---|---|\n{table}\n"
    )


def _sockets(seen: Soaked) -> str:
    return f"{seen.sockets_before}, {seen.warm[0].sockets}, {max(look.sockets for look in seen.warm)}, {seen.sockets_after}"


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def run(seconds: float, rate: float) -> Soaked:
    """One run against a router of its own."""
    settings = {"LOG_LEVEL": "WARNING", "MIRROR__CONCURRENCY": "16"}
    with tempfile.TemporaryDirectory() as home, routed(Path(home), settings) as router:
        return asyncio.run(soak(router, seconds, rate))


def main() -> int:
    """1 when something is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=50.0)
    chosen = parser.parse_args()
    seen = run(chosen.minutes * 60, chosen.rate)
    print(markdown(seen), end="")
    return 1 if seen.faults else 0


if __name__ == "__main__":
    sys.exit(main())
