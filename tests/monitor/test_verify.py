"""The proof of a rollback: what a router must show, and how long it is waited for."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from aftertune.clock import ManualClock, SystemClock
from aftertune.engine import ChatAnswer
from aftertune.errors import Unavailable
from aftertune.fingerprint import PROMPTS
from aftertune.headers import GENERATION, RELEASE
from aftertune.values.route import RouterLease
from monitor.admin import HttpRouterAdmin
from monitor.verify import PAUSE_S, PROBE_S, PROOF_S, TAKE_S, Expected, verify
from tests.monitor.world import FakeRouter, fingerprint_of, said_by

LEASE = RouterLease(router="router-1", admin_url="http://router-1", revision=3, generations={"tasks": 5})
OLD = LEASE.model_copy(update={"generations": {"tasks": 4}})
EXPECTED = Expected("tasks", "v1", 5, fingerprint_of("v1"))


class Router(BaseHTTPRequestHandler):
    """A real admin port in a thread; `leases` says what it shows at each look, then repeats the last."""

    leases: list[RouterLease]
    answering = "v1"
    labelled = "v1"
    generation = 5
    hang: threading.Event | None = None
    asked: list[str] | None = None

    def do_GET(self) -> None:
        lease = self.leases.pop(0) if len(self.leases) > 1 else self.leases[0]
        self._answer(lease.model_dump_json().encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert (body["model"], body["temperature"], body["max_tokens"]) == ("tasks", 0, 48)
        assert self.headers["authorization"] == "Bearer secret"
        if self.asked is not None:
            self.asked.append(body["messages"][0]["content"])
        if self.hang is not None:
            self.hang.wait(60)
        said = f"{self.answering} says: {body['messages'][0]['content']}"
        message = {"role": "assistant", "content": said}
        self._answer(
            json.dumps(
                {
                    "id": "1",
                    "object": "chat.completion",
                    "created": 1,
                    "model": "tasks",
                    "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                }
            ).encode()
        )

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header(RELEASE, self.labelled)
        self.send_header(GENERATION, str(self.generation))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = None, size: object = None) -> None:
        """Quiet."""


@contextmanager
def served(*leases: RouterLease, **changes: object) -> Iterator[RouterLease]:
    handler = type("Handler", (Router,), {"leases": list(leases), **changes})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield LEASE.model_copy(update={"admin_url": f"http://127.0.0.1:{server.server_port}"})
        server.shutdown()
        thread.join()


@pytest.fixture
def connect() -> Iterator[Callable[[str], HttpRouterAdmin]]:
    with httpx.Client() as client:
        yield lambda admin_url: HttpRouterAdmin(admin_url, client, "secret")


def test_a_router_that_takes_its_time_is_proven_in_the_end(
    connect: Callable[[str], HttpRouterAdmin], clock: ManualClock
) -> None:
    with served(OLD, OLD, LEASE) as router:
        (proof,) = verify([router], EXPECTED, connect, clock, clock.advance)

    assert (proof.ok, proof.reason) == (True, "")
    assert clock.monotonic() == pytest.approx(2 * PAUSE_S)
    assert (proof.fingerprint_matches, proof.probes) == (len(PROMPTS), len(PROMPTS))
    assert proof.releases == ("v1",) * len(PROMPTS)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"answering": "v2"}, "0 of 4 answers match the engine's fingerprint."),
        ({"labelled": "v2"}, "A probe came from v2."),
        ({"generation": 4}, "A probe was answered under generation 4."),
    ],
)
def test_what_a_router_shows_must_fit(
    connect: Callable[[str], HttpRouterAdmin], clock: ManualClock, changes: dict[str, object], reason: str
) -> None:
    with served(LEASE, **changes) as router:
        (proof,) = verify([router], EXPECTED, connect, clock, clock.advance)

    assert (proof.ok, proof.reason) == (False, reason)
    assert clock.monotonic() == pytest.approx(TAKE_S, abs=PAUSE_S)


def test_a_router_that_is_away_is_unproven_and_the_others_are_asked(
    connect: Callable[[str], HttpRouterAdmin], clock: ManualClock
) -> None:
    away = LEASE.model_copy(update={"router": "router-2", "admin_url": "http://127.0.0.1:9"})
    with served(LEASE) as router:
        here, there = verify([router, away], EXPECTED, connect, clock, clock.advance)

    assert here.ok
    assert not there.ok
    assert "does not answer" in there.reason


def test_an_engine_that_hangs_is_asked_once_and_not_for_long(
    connect: Callable[[str], HttpRouterAdmin], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.verify.PROBE_S", 0.3)
    monkeypatch.setattr("monitor.verify.PROOF_S", 60.0)
    released, asked = threading.Event(), list[str]()
    with served(LEASE, hang=released, asked=asked) as router:
        began = time.monotonic()
        (proof,) = verify([router], EXPECTED, connect, SystemClock(), time.sleep)
        took = time.monotonic() - began
        released.set()

    assert not proof.ok
    assert "gave no answer" in proof.reason
    assert len(asked) == 1
    assert took < 30, "the engine would have answered after 60 s"


class Slow(FakeRouter):
    """An answer takes `seconds`, or its deadline and is none. `generations`: what each look shows, the last for ever."""

    def __init__(self, clock: ManualClock, seconds: float, generations: list[int]) -> None:
        super().__init__("router-1")
        self.clock, self.seconds, self.generations = clock, seconds, generations
        self.deadlines: list[float] = []

    def routing(self) -> RouterLease:
        at = self.generations.pop(0) if len(self.generations) > 1 else self.generations[0]
        return LEASE.model_copy(update={"generations": {"tasks": at}})

    def probe(self, deployment: str, timeout_s: float) -> "Slow":
        self.deadlines.append(timeout_s)
        return self

    def chat(self, messages: object, **_: object) -> ChatAnswer:
        self.clock.advance(min(self.seconds, self.deadlines[-1]))
        if self.seconds > self.deadlines[-1]:
            raise Unavailable("It hangs.")
        prompt = messages[0]["content"]  # type: ignore[index]
        return said_by("v1", prompt).model_copy(update={"release": "v1", "generation": 5})


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.4, 1.6, 2.9, 3.1, 60.0])
@pytest.mark.parametrize("late", [0, 3, 9, 99])
def test_the_whole_proof_ends_in_time_however_slow_the_answers_are(
    clock: ManualClock, seconds: float, late: int
) -> None:
    slow = Slow(clock, seconds, [4] * late + [5])

    (proof,) = verify([LEASE], EXPECTED, lambda _: slow, clock, clock.advance)

    assert clock.monotonic() <= PROOF_S + 1e-9
    assert all(deadline <= PROBE_S for deadline in slow.deadlines)
    began = late * PAUSE_S
    assert proof.ok == (began < TAKE_S and began + len(PROMPTS) * seconds <= PROOF_S)


def test_without_routers_there_is_nothing_to_prove(clock: ManualClock) -> None:
    assert verify([], EXPECTED, lambda _: FakeRouter("nobody"), clock, clock.advance) == ()
