"""Malformed requests by the thousand at a real router process, which must neither crash, grow, nor misbehave.

    python -m benchmarks.fuzz --cases 100000 > benchmarks/fuzz.md

Every connection gets whole answers in the right shape (2xx, 4xx, or 501 and 505) or a clean close, in time; memory
stays bounded; a good request works all along. The first violation of each kind is kept as a case number: with the
same seed, `--only NUMBER` sends that case again and prints it.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from benchmarks.malformed import malformed
from benchmarks.routed import KEY, Routed, routed

SEED = 2026
AT_ONCE = 16
ANSWER_S = 20.0
"""A connection is answered or closed within this, head and body deadlines of half a second included."""
QUIET_S = 0.02
"""After whole answers, this long without a byte ends a case."""
GROWTH_BYTES = 150_000_000
MAX_SERIES = 2_000
PROBE_EVERY = 500
SETTINGS = {
    "ROUTER__HEAD_TIMEOUT_S": "0.5",
    "ROUTER__BODY_TIMEOUT_S": "0.5",
    "ROUTER__MAX_BODY_BYTES": "1000000",
    "LOG_LEVEL": "ERROR",
}
GOOD = b'{"model": "tasks", "messages": [{"role": "user", "content": "hello"}]}'
PROBE = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: router\r\nconnection: close\r\nauthorization: Bearer %s\r\n"
    b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (KEY.encode(), len(GOOD), GOOD)
)


class Violation(Exception):
    """What the router must not do; the text is the same for the same kind."""


@dataclass
class Findings:
    """What was seen. `violations` maps each kind to the numbers of the cases that showed it."""

    cases: int = 0
    replies: Counter[int] = field(default_factory=Counter)
    closed: int = 0
    violations: dict[str, list[int]] = field(default_factory=dict)
    seconds: float = 0.0
    rss_warm: int = 0
    rss_most: int = 0
    series: int = 0

    def violated(self, kind: str, number: int) -> None:
        self.violations.setdefault(kind, []).append(number)


def replies(raw: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole answers at the start of `raw` as (status, body), and what is left. Raises Violation."""
    found = []
    while raw:
        head, end, rest = raw.partition(b"\r\n\r\n")
        if not end:
            break
        first, *lines = head.split(b"\r\n")
        if not first.startswith(b"HTTP/1.1 ") or not first[9:12].isdigit():
            raise Violation("an answer that is not HTTP/1.1")
        status = int(first[9:12])
        body, rest = _body(status, lines, rest)
        if body is None:
            break
        found.append((status, body))
        raw = rest
    return found, raw


def _body(status: int, lines: list[bytes], rest: bytes) -> tuple[bytes | None, bytes]:
    """The body that an answer's header lines announce, or None while it is not whole, and what follows it."""
    headers = dict(line.lower().split(b": ", 1) for line in lines if b": " in line)
    try:
        if status < 200 or status in (204, 304):
            return b"", rest
        if headers.get(b"transfer-encoding") == b"chunked":
            return _unchunked(rest)
        if b"content-length" not in headers:
            return rest, b""
        size = int(headers[b"content-length"])
    except ValueError:
        raise Violation("an answer with a length that is no number") from None
    return (rest[:size], rest[size:]) if len(rest) >= size else (None, rest)


def _unchunked(raw: bytes) -> tuple[bytes | None, bytes]:
    body = b""
    while True:
        line, end, rest = raw.partition(b"\r\n")
        if not end:
            return None, raw
        size = int(line, 16)
        if len(rest) < size + 2:
            return None, raw
        body, raw = body + rest[:size], rest[size + 2 :]
        if size == 0:
            return body, raw


def check(status: int, body: bytes) -> None:
    """Raises Violation when this is no answer that a malformed request may get."""
    if status < 400:
        return
    if status >= 500 and status not in (501, 505):
        raise Violation(f"status {status}")
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        raise Violation(f"status {status} without OpenAI's error shape") from None
    if not {"message", "type", "param", "code"} <= set(error):
        raise Violation(f"status {status} with half of OpenAI's error shape")


async def send(router: Routed, raw: bytes, random: Random) -> tuple[list[tuple[int, bytes]], bool]:
    """What one connection answers to `raw`, and whether the router closed it. Raises Violation."""
    reader, writer = await asyncio.open_connection(router.host, router.port)
    seen, closed = b"", False
    deadline = time.monotonic() + ANSWER_S
    try:
        at = random.randrange(len(raw) + 1) if random.random() < 0.2 else len(raw)
        for piece in (raw[:at], raw[at:]):
            writer.write(piece)
            await writer.drain()
        if random.random() < 0.5:
            writer.write_eof()
        while not closed:
            whole, rest = replies(seen)
            wait = QUIET_S if whole and not rest else deadline - time.monotonic()
            try:
                piece = await asyncio.wait_for(reader.read(65_536), max(wait, 0.001))
            except TimeoutError:
                if whole and not rest:
                    break
                raise Violation("neither an answer nor a close in time") from None
            seen, closed = seen + piece, not piece
    except OSError:  # reset; a socket that is gone before it is half closed says so in other words
        closed = True
    finally:
        writer.transport.abort()
    whole, rest = replies(seen)
    if rest and not closed:
        raise Violation("a cut answer")
    return whole, closed


async def probe(router: Routed) -> None:
    """A good request is answered well. Raises Violation."""
    try:
        (reply,), _ = await send(router, PROBE, Random(0))
    except (OSError, ValueError):
        raise Violation("a good request gets no answer") from None
    if reply[0] != 200:
        raise Violation(f"a good request gets {reply[0]}")


async def campaign(router: Routed, cases: range, seed: int, findings: Findings) -> None:
    """Send them all, some at once."""
    began = time.monotonic()
    await probe(router)
    findings.rss_warm = findings.rss_most = router.rss_bytes
    numbers = iter(cases)

    async def work() -> None:
        for number in numbers:
            await _one(router, number, seed, findings)
            if number % PROBE_EVERY == 0:
                await _look(router, number, findings)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    await _look(router, cases.stop, findings)
    findings.series = len(router.metrics())
    findings.seconds = time.monotonic() - began
    if findings.series > MAX_SERIES:
        findings.violated(f"more than {MAX_SERIES} series", cases.stop)


async def _one(router: Routed, number: int, seed: int, findings: Findings) -> None:
    random = Random(f"{seed}-{number}")
    findings.cases += 1
    try:
        answers, closed = await send(router, malformed(random), random)
        findings.replies.update(status for status, _ in answers)
        findings.closed += closed and not answers
        for status, body in answers:
            check(status, body)
    except Violation as violation:
        findings.violated(str(violation), number)
    except OSError:
        findings.violated("connection refused", number)


async def _look(router: Routed, number: int, findings: Findings) -> None:
    if not router.alive():
        raise SystemExit(f"The router died at about case {number}.")
    findings.rss_most = max(findings.rss_most, router.rss_bytes)
    if findings.rss_most > findings.rss_warm + GROWTH_BYTES:
        findings.violated("memory grew", number)
    try:
        await probe(router)
    except Violation as violation:
        findings.violated(str(violation), number)


def markdown(findings: Findings, seed: int) -> str:
    """The page of one campaign."""
    classes = Counter({f"{status // 100}xx": 0 for status in findings.replies})
    for status, count in findings.replies.items():
        classes[f"{status // 100}xx"] += count
    rows = [
        ("cases", f"{findings.cases:,}"),
        ("seconds", f"{findings.seconds:,.0f}"),
        *((f"answers {name}", f"{count:,}") for name, count in sorted(classes.items())),
        ("closed without an answer", f"{findings.closed:,}"),
        ("violations", f"{sum(map(len, findings.violations.values())):,}"),
        ("memory after the first request, MB", f"{findings.rss_warm / 1e6:.1f}"),
        ("memory at most, MB", f"{findings.rss_most / 1e6:.1f}"),
        ("metric series at the end", f"{findings.series:,}"),
    ]
    statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(findings.replies.items()))
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    worst = "".join(f"- {kind}: case {numbers[:5]}\n" for kind, numbers in findings.violations.items())
    return (
        f"# Malformed requests\n\nWritten by `python -m benchmarks.fuzz --cases {findings.cases} --seed {seed}`: "
        "mutations of good requests,\nmirror and spool on. What must hold is in `benchmarks/fuzz.py`.\n\n"
        f"| | |\n|---|---|\n{table}\n\nAnswers by status: {statuses}.\n{worst}"
    )


def run(cases: range, seed: int) -> Findings:
    """One campaign against a router of its own."""
    findings = Findings()
    with tempfile.TemporaryDirectory() as home, routed(Path(home), SETTINGS) as router:
        asyncio.run(campaign(router, cases, seed, findings))
    return findings


def main() -> int:
    """1 when anything was violated."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", type=int, help="send this one case, and print it")
    chosen = parser.parse_args()
    cases = range(chosen.cases)
    if chosen.only is not None:
        cases = range(chosen.only, chosen.only + 1)
        print(malformed(Random(f"{chosen.seed}-{chosen.only}")), file=sys.stderr)
    findings = run(cases, chosen.seed)
    print(markdown(findings, chosen.seed), end="")
    return 1 if findings.violations else 0


if __name__ == "__main__":
    sys.exit(main())
