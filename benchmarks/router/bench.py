"""A peer that runs between load, engine and shadow, and what was sent through it so far."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from aftertune.errors import Unavailable
from benchmarks.router.engine import Engine
from benchmarks.router.load import Load, Seen
from benchmarks.router.peer import Peer, Site
from benchmarks.router.peers import DIRECT
from benchmarks.router.places import BUILD, PROXY_CORE
from benchmarks.router.process import Program, free_port

CHUNKS = 40
SETTLE_S = 10.0


@dataclass
class Bench:
    """`sent`: requests through the peer; `copied`: copies that the shadow answered."""

    peer: Peer
    port: int
    load: Load
    stable: Engine
    shadow: Engine
    program: Program
    sent: int = 0
    copied: int = 0

    def closed(self, connections: int, seconds: float, *, stream: bool = False) -> Seen:
        seen = self.load.closed(connections, seconds, [self.port], stream=stream)[0]
        self.sent += seen.sent
        return seen

    def beside_direct(self, seconds: float, times: float = 1.0) -> tuple[Seen, Seen]:
        """At so many times the peer's rate, as many requests direct as through it."""
        direct, through = self.load.paced(times * self.peer.rate, seconds, [self.stable.port, self.port])
        self.sent += through.sent
        return direct, through

    def copies(self) -> int:
        """How many copies the shadow got since this was last asked; waits until it is done with them."""
        if not self.peer.mirrors:
            return 0
        counted = self.shadow.settled(SETTLE_S)
        self.copied += counted.answered
        self.shadow.reset()
        return counted.requests


@contextmanager
def started(peer: Peer, home: Path, load: Path, stable: Engine, shadow: Engine) -> Iterator[Bench]:
    """The peer, once it answers; both engines are as fast as they can be. Raises Unavailable when it does not start."""
    for engine in (stable, shadow):
        engine.tell(delay_us=0, chunks=CHUNKS, interval_us=0, step=0)
        engine.reset()
    site = Site(home, free_port(), stable.port, shadow.port)
    with _running(peer, site, stable) as (program, port):
        bench = Bench(peer, port, Load(load, peer.token), stable, shadow, program)
        _await_ready(bench)
        yield bench


@contextmanager
def temporary_home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=BUILD, prefix="home-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(peer: Peer, site: Site, stable: Engine) -> Iterator[tuple[Program, int]]:
    if peer.name == DIRECT:
        yield stable.process, stable.port
        return
    start = peer.start(site)
    log = site.folder / "output.log"
    with Program(start.command, PROXY_CORE, log, start.environment, start.folder) as program:
        yield program, site.port


def _await_ready(bench: Bench) -> None:
    """Until it has answered a chat; what it answered before may be of its own making."""
    url = f"http://127.0.0.1:{bench.port}/v1/chat/completions"
    body = {"model": "bench", "messages": [{"role": "user", "content": "Ready?"}]}
    headers = {"authorization": f"Bearer {bench.peer.token}"}
    deadline = time.monotonic() + bench.peer.starts_in_s
    before = bench.stable.counted().requests
    while True:
        try:
            answer = httpx.post(url, json=body, headers=headers, timeout=10)
            if answer.status_code == 200 and bench.stable.counted().requests > before:
                bench.sent += bench.stable.counted().requests - before
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline or not bench.program.running:
            raise Unavailable(f"{bench.peer.name} does not start: {bench.program.last_words()}")
        time.sleep(0.1)
