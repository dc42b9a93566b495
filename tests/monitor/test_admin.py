"""The HTTP adapters: what a router or an engine answers, and every way in which it may not."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from aftertune.errors import Unavailable
from aftertune.fingerprint import PROMPTS
from aftertune.headers import GENERATION, RELEASE
from aftertune.values.route import RouterLease, RoutingTable
from monitor.admin import HttpRouterAdmin
from monitor.health import unhealthy
from monitor.push import push
from monitor.verify import ATTEMPTS, Expected, verify
from tests.aftertune.samples import release
from tests.fakes.engine import FakeEngine, Fault
from tests.monitor.world import engine, fingerprint_of

LEASE = RouterLease(router="router-1", admin_url="http://router-1", revision=3, generations={"tasks": 5})
OLD = LEASE.model_copy(update={"generations": {"tasks": 4}})
TABLE = RoutingTable(revision=4)
EXPECTED = Expected("tasks", "v1", 5, fingerprint_of("v1"))


def admin(answer: Callable[[httpx.Request], httpx.Response]) -> HttpRouterAdmin:
    return HttpRouterAdmin("http://router-1", httpx.Client(transport=httpx.MockTransport(answer)), "secret")


def test_a_lease_is_read_and_a_table_is_put_with_the_credential() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=LEASE.model_dump_json())

    router = admin(answer)

    assert (router.routing(), router.push(TABLE)) == (LEASE, LEASE)
    assert [(r.method, str(r.url)) for r in seen] == [
        ("GET", "http://router-1/v1/routing"),
        ("PUT", "http://router-1/v1/routing"),
    ]
    assert {r.headers["authorization"] for r in seen} == {"Bearer secret"}
    assert RoutingTable.model_validate_json(seen[1].content) == TABLE


def refused(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (refused, "does not answer: refused"),
        (lambda _: httpx.Response(409), "answered 409 to GET /v1/routing"),
        (lambda _: httpx.Response(200, json={"no": "lease"}), "answered something that is no lease"),
    ],
)
def test_anything_else_is_unavailable(answer: Callable[[httpx.Request], httpx.Response], what: str) -> None:
    with pytest.raises(Unavailable, match=what):
        admin(answer).routing()


def test_a_push_that_fails_is_told_and_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    other = LEASE.model_copy(update={"router": "router-2", "admin_url": "http://router-2"})

    def connect(admin_url: str) -> HttpRouterAdmin:
        if admin_url == "http://router-1":
            return admin(refused)
        return admin(lambda _: httpx.Response(200, content=LEASE.model_dump_json()))

    assert push(TABLE, [LEASE, other], connect) == 1
    assert push(TABLE, [], connect) == 0
    assert "Table 4 did not reach router-1" in caplog.text


class Router(BaseHTTPRequestHandler):
    """A real admin port in a thread; `leases` says what it shows at each look, then repeats the last."""

    leases: list[RouterLease]
    answering = "v1"
    labelled = "v1"
    generation = 5

    def do_GET(self) -> None:
        lease = self.leases.pop(0) if len(self.leases) > 1 else self.leases[0]
        self._answer(lease.model_dump_json().encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert (body["model"], body["temperature"], body["max_tokens"]) == ("tasks", 0, 48)
        assert self.headers["authorization"] == "Bearer secret"
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
    connect: Callable[[str], HttpRouterAdmin],
) -> None:
    pauses: list[float] = []
    with served(OLD, OLD, LEASE) as router:
        (proof,) = verify([router], EXPECTED, connect, pauses.append)

    assert (proof.ok, proof.reason, len(pauses)) == (True, "", 2)
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
    connect: Callable[[str], HttpRouterAdmin], changes: dict[str, object], reason: str
) -> None:
    pauses: list[float] = []
    with served(LEASE, **changes) as router:
        (proof,) = verify([router], EXPECTED, connect, pauses.append)

    assert (proof.ok, proof.reason) == (False, reason)
    assert len(pauses) == ATTEMPTS - 1


def test_a_router_that_is_away_is_unproven_and_the_others_are_asked(
    connect: Callable[[str], HttpRouterAdmin],
) -> None:
    away = LEASE.model_copy(update={"router": "router-2", "admin_url": "http://127.0.0.1:9"})
    with served(LEASE) as router:
        here, there = verify([router, away], EXPECTED, connect, lambda _: None)

    assert here.ok
    assert not there.ok
    assert "does not answer" in there.reason


async def test_an_engine_is_healthy_when_it_answers_now() -> None:
    async with FakeEngine("v1") as fake:
        running = engine("v1", url=fake.url)
        assert await asyncio.to_thread(unhealthy, release("v1"), running) == ""
        fake.fault = Fault.SERVER_ERROR
        assert "does not answer" in await asyncio.to_thread(unhealthy, release("v1"), running)
