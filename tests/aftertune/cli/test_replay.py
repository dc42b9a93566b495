"""`aftertune replay`: stored prompts become pairs, once, whatever stops it."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from aftertune.cli.replay import STOPPED
from aftertune.clock import ManualClock
from aftertune.store import Store
from aftertune.values.exchange import CapturePolicy
from aftertune.values.pair import Pair
from tests.aftertune.cli.offline import Offline, offline
from tests.aftertune.cli.test_ingest import NAMED, line, log
from tests.aftertune.samples import AT

REPLAY = ("replay", "--deployment", "tasks", "--release", "v2")
ANSWER = {"choices": [{"message": {"content": "Because."}, "finish_reason": "stop"}]}


class Engine(ThreadingHTTPServer):
    """Answers the same each time; `status` is that of its answers, `seen` the bodies that it was sent."""

    status = 200
    interrupt_after: int | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Engine

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append(body)
        raw = json.dumps(ANSWER).encode()
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def world(
    store: Store, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> Offline:
    return offline(store, clock, tmp_path, monkeypatch, [("v2", engine.url)])


def asked(world: Offline, tmp_path: Path, n: int, **changes: Any) -> None:
    """So many stored prompts."""
    world.run("ingest", log(tmp_path, *(line(number, **changes) for number in range(n))), *NAMED)
    assert world.ingested() == n


def pairs(world: Offline) -> list[Pair]:
    with world.store.read() as tx:
        return tx.pairs.between("tasks", "v1", "v2", AT)


def test_stored_prompts_become_pairs_once(world: Offline, engine: Engine, tmp_path: Path) -> None:
    asked(world, tmp_path, 120)

    assert world.run(*REPLAY) == (0, ["120 answers taken in, 0 stored already"])
    assert world.ingested() == 120
    found = pairs(world)
    assert len(found) == 120
    assert {pair.candidate.valid_answer for pair in found} == {1.0}
    assert all(0.9 < pair.agreement < 1 for pair in found)
    assert len({pair.pair_id for pair in found}) == 120
    assert {body["model"] for body in engine.seen} == {"v2"}

    assert world.run(*REPLAY) == (0, ["0 answers taken in, 0 stored already"])
    assert len(engine.seen) == 120


def test_before_ingest_came_by_an_answer_is_still_stored_once(world: Offline, tmp_path: Path) -> None:
    asked(world, tmp_path, 3)
    for _ in range(2):
        assert world.run(*REPLAY)[0] == 0

    world.ingested()
    assert len(pairs(world)) == 3


def test_limit_and_window(world: Offline, engine: Engine, tmp_path: Path) -> None:
    asked(world, tmp_path, 5)

    assert world.run(*REPLAY, "--limit", "2")[1] == ["2 answers taken in, 0 stored already"]
    assert world.run(*REPLAY, "--until", "2020-01-01")[1] == ["0 answers taken in, 0 stored already"]
    assert world.run(*REPLAY, "--since", "2030-01-01")[1] == ["0 answers taken in, 0 stored already"]
    assert len(engine.seen) == 2


def test_an_engine_that_is_away_is_not_scored(world: Offline, engine: Engine, tmp_path: Path) -> None:
    asked(world, tmp_path, 30)
    engine.status = 503

    code, said = world.run(*REPLAY, "--concurrency", "1")

    assert code == 1
    assert said[1] == "20 could not be measured: the engine answers 503"
    assert "does not answer; the rest could not be measured" in said[-1]
    assert world.ingested() == 0
    engine.status = 200
    assert world.run(*REPLAY)[1] == ["30 answers taken in, 0 stored already"]


def test_an_engine_that_fails_is_scored(world: Offline, engine: Engine, tmp_path: Path) -> None:
    asked(world, tmp_path, 2)
    engine.status = 500

    assert world.run(*REPLAY)[0] == 0
    world.ingested()
    assert {pair.candidate.completed for pair in pairs(world)} == {0.0}


def test_stopped_in_the_middle_it_goes_on(
    world: Offline, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(world, tmp_path, 6)
    keep = "aftertune.cli.replay._Job._keep"
    original = __import__("aftertune.cli.replay", fromlist=["_Job"])._Job._keep

    def stop_at_the_third(job: Any, answer: Any) -> None:
        original(job, answer)
        if len(job._told.waiting) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(keep, stop_at_the_third)
        code, said = world.run(*REPLAY)
    assert code == STOPPED
    assert said[0] == "3 answers taken in, 0 stored already"
    world.ingested()

    assert world.run(*REPLAY)[1] == ["3 answers taken in, 0 stored already"]
    world.ingested()
    assert len(pairs(world)) == 6


def test_redacted_prompts_are_said_to_be(
    store: Store, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    world = offline(store, clock, tmp_path, monkeypatch, [("v2", engine.url)], CapturePolicy.REDACTED)
    asked(world, tmp_path, 2, request={"messages": [{"role": "user", "content": "I am ana@example.org"}]})

    code, said = world.run(*REPLAY)

    assert code == 0
    assert said[1] == "2 prompts were redacted before storage: not what users wrote word for word"
    assert "example.org" not in str(engine.seen)


def test_a_release_without_an_engine(world: Offline, tmp_path: Path) -> None:
    with world.store.write() as tx:
        engine = tx.releases.engine("v2")
        assert engine is not None
        tx.releases.save_engine(engine.model_copy(update={"url": ""}))

    code, said = world.run(*REPLAY)

    assert code == 2
    assert "The engine of v2 is not ready" in said[-1]
