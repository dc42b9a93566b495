"""What a request must never do to others: keep a slot, speak twice, hide an engine's answer, or read what is not its own."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from timeit import repeat

import pytest
from aiohttp import ClientSession

from aftertune.identity import token_hash
from aftertune.values.exchange import CapturePolicy, ExchangeError
from aftertune.values.route import KeyGrant, MirrorBudget, Route, RoutingTable, Shadow, Target
from serving.router.answer import Renamed, WholeEvents
from serving.router.probe import ProbeReply
from tests.fakes.engine import FakeEngine, Fault, Script
from tests.serving.router.asked import MIRRORED, ask, get
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import (
    CHAT_KEY,
    DEPLOYMENT,
    body,
    post,
    records,
    table,
    target,
    until_recorded,
)
from tests.serving.router.wire import connected, posted, request

NOWHERE = Target(release="r-nowhere", url="http://127.0.0.1:99999", served_name="nowhere")
"""Its port is none: nothing checks the URL of an external engine when it is registered."""
OTHER = "other"
OTHER_KEY = "at_other"
RESPONSES = "/v1/responses/resp_fake"
EVENT = b'data: {"choices":[]}\n\n'


def routed(*routes: Route, **limits: int) -> RoutingTable:
    keys = {
        token_hash(CHAT_KEY): KeyGrant.model_validate({"name": "app-1", **limits}),
        token_hash(OTHER_KEY): KeyGrant(name="app-2"),
    }
    return RoutingTable(revision=1, routes=routes, keys=keys)


def route(live: Target, deployment: str = DEPLOYMENT, **fields: object) -> Route:
    plain = {"deployment": deployment, "generation": 1, "stable": live, "stored_responses": True}
    return Route.model_validate({**plain, **fields})


Script_ = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def engine(script: Script_) -> AsyncIterator[Target]:
    """An engine that reads one request and then does as the script says."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = next(
            (
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            ),
            0,
        )
        await reader.readexactly(size)
        await script(writer)
        try:
            await reader.read()
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield Target(release="r-raw", url=f"http://127.0.0.1:{port}", served_name="raw")
    finally:
        server.close()


# Engines that cannot be asked at all.


@pytest.mark.parametrize("path", ["/v1/chat/completions", RESPONSES])
async def test_an_engine_whose_url_is_none_keeps_no_slot(
    start: StartRouter, stable: FakeEngine, session: ClientSession, path: str
) -> None:
    router = await start(routed(route(NOWHERE, OTHER), route(target(stable)), concurrency=1))
    bad = {"authorization": f"Bearer {CHAT_KEY}", "x-aftertune-deployment": OTHER}
    if path == RESPONSES:
        async with session.get(router.url + path, headers=bad) as answer:
            assert answer.status >= 500
    else:
        async with session.post(router.url + path, headers=bad, json={**body(), "model": OTHER}) as answer:
            assert answer.status >= 500
    status, _, _ = await post(session, router)
    assert status == 200


async def test_a_request_is_answered_once_whatever_its_engine_s_url(
    start: StartRouter, stable: FakeEngine
) -> None:
    router = await start(routed(route(NOWHERE)), first_byte_timeout_s=0.3)
    async with connected(router) as wire:
        wire.write(request(json.dumps(body()).encode()))
        assert (await wire.reply()).status >= 500
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wire.reader.read(1), 1.0)


async def test_after_such_a_request_deadlines_still_hold(
    start: StartRouter, stable: FakeEngine, session: ClientSession
) -> None:
    """One timer looks after all of them."""
    stable.fault = Fault.HANG
    router = await start(routed(route(NOWHERE, OTHER), route(target(stable))), first_byte_timeout_s=0.5)
    assert (await post(session, router, {**body(), "model": OTHER}))[0] >= 500
    async with asyncio.timeout(30):
        assert (await post(session, router))[0] == 504


async def test_a_shadow_whose_url_is_none_costs_the_other_shadow_nothing(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    budget = MirrorBudget(concurrency=1)
    shadows = (Shadow(target=NOWHERE, share=1.0), Shadow(target=target(candidate), share=1.0, budget=budget))
    router = await start(routed(route(target(stable), shadows=shadows)))
    for count in range(1, 4):
        await post(session, router)
        async with asyncio.timeout(30):
            while len(candidate.seen) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


# Framing towards the client.


async def test_the_answer_to_head_leaves_the_connection_in_step(
    start: StartRouter, stable: FakeEngine
) -> None:
    router = await start(table(target(stable)))
    async with connected(router) as wire:
        wire.write(request(b"", path="/v1/models").replace(b"POST", b"HEAD"))
        await wire._until(b"\r\n\r\n")
        wire.write(request(json.dumps(body()).encode()))
        assert (await wire._until(b"\r\n")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("status", [204, 304])
async def test_a_passed_answer_without_a_body_leaves_the_connection_in_step(
    start: StartRouter, stable: FakeEngine, status: int
) -> None:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 %d X\r\netag: x\r\n\r\n" % status)

    async with engine(script) as raw:
        router = await start(routed(route(raw, OTHER), route(target(stable))))
        async with connected(router) as wire:
            asked = request(b"", path=RESPONSES, also=(f"x-aftertune-deployment: {OTHER}",))
            wire.write(asked.replace(b"POST", b"GET"))
            head = await wire._until(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 %d" % status)
            assert b"transfer-encoding" not in head
            wire.write(request(json.dumps(body()).encode()))
            assert (await wire._until(b"\r\n")).startswith(b"HTTP/1.1 200")


def test_a_probe_s_headers_are_the_lines_that_were_sent() -> None:
    """U+0085 ends a line for `str.splitlines`, and 0x85 stands in the UTF-8 of many letters."""

    async def headers() -> list[tuple[str, str]]:
        reply = ProbeReply()
        reply.begin(200, "x-request-id: Åsa\r\ncontent-type: a/b\r\n".encode(), 0)
        return reply.headers

    assert [name for name, _ in asyncio.run(headers())] == ["x-request-id", "content-type"]


# Requests.


@pytest.mark.parametrize(("depth", "expected"), [(251, 200), (252, 400), (1000, 400), (5000, 400)])
@pytest.mark.parametrize(
    "around",
    [
        b'{"model":"tasks","messages":[{"role":"user","content":%b}]}',
        b'{"model":"tasks","messages":[{"tool_calls":%b}]}',
    ],
)
async def test_deep_nesting_is_no_fault_of_the_router(
    start: StartRouter, stable: FakeEngine, session: ClientSession, around: bytes, depth: int, expected: int
) -> None:
    router = await start(table(target(stable)))
    status, _, answer = await post(session, router, around % (b"[" * depth + b"]" * depth))
    assert status == expected
    if expected == 400:
        assert json.loads(answer)["error"]["code"] == "invalid_json"
    assert len(stable.seen) == (expected == 200)


async def test_many_brackets_side_by_side_are_not_deep(
    start: StartRouter, stable: FakeEngine, session: ClientSession
) -> None:
    router = await start(table(target(stable)))
    wide = b'{"model":"tasks","messages":[{"role":"user","content":"[[["}],"x":[%b]}' % b",".join(
        [b"[{}]"] * 500
    )
    status, _, _ = await post(session, router, wide)
    assert status == 200


@pytest.mark.parametrize("name", ["..", ".", "%2e%2e", "..%2f..%2fmetrics", "a%2fb", "a%3fb", "a;b", "%00"])
async def test_a_response_s_id_is_a_name_and_no_way_to_elsewhere(
    start: StartRouter, stable: FakeEngine, name: str
) -> None:
    """What stands before an engine resolves dots and escapes: the engine's other paths are not the clients'."""
    router = await start(table(target(stable)))
    async with connected(router) as wire:
        wire.write(request(b"", path=f"/v1/responses/{name}").replace(b"POST", b"GET"))
        reply = await wire.reply()
    assert reply.status == 404
    assert not stable.seen


async def test_a_key_does_not_read_another_key_s_response_unless_the_deployment_allows_it(
    start: StartRouter, stable: FakeEngine, session: ClientSession
) -> None:
    """Ids can be chosen by who asks (vLLM takes `request_id`), so they are no secret."""
    router = await start(routed(route(target(stable), stored_responses=False)))
    asked = MIRRORED["responses"]
    assert (await ask(session, router, asked, key=CHAT_KEY)).status == 200
    theirs = await get(session, router, RESPONSES, authorization=f"Bearer {OTHER_KEY}")
    assert theirs.status == 404
    follow = json.dumps({"model": DEPLOYMENT, "input": "go on", "previous_response_id": "resp_fake"}).encode()
    assert (await ask(session, router, asked, key=OTHER_KEY, raw=follow)).status == 400
    assert len(stable.seen) == 1


# Deadlines.


async def test_a_passed_request_has_a_first_byte_deadline(start: StartRouter, session: ClientSession) -> None:
    async def script(_: asyncio.StreamWriter) -> None:
        """Silence."""

    async with engine(script) as raw:
        router = await start(routed(route(raw)), first_byte_timeout_s=0.3, total_timeout_s=60.0)
        async with asyncio.timeout(30):
            assert (await get(session, router, RESPONSES)).status == 504


async def test_after_the_head_the_first_event_has_a_chunk_s_time(
    start: StartRouter, session: ClientSession
) -> None:
    """The head came just in time; what follows is not late because of that."""

    async def script(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1.0)
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        await asyncio.sleep(3.5)
        writer.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(EVENT), EVENT))

    async with engine(script) as raw:
        router = await start(routed(route(raw)), first_byte_timeout_s=4.0, chunk_timeout_s=30.0)
        status, _, answer = await post(session, router, body(stream=True))
        assert (status, answer) == (200, EVENT)


async def test_a_client_that_reads_slowly_is_no_fault_of_the_engine(
    start: StartRouter, stable: FakeEngine, tmp_path: Path
) -> None:
    """A guardrail counts an engine's timeouts: who reads slowly must not roll a release back."""
    stable.fault = Fault.ENDLESS
    router = await start(table(target(stable)), total_timeout_s=1.5, chunk_timeout_s=30.0)
    async with posted(router, MIRRORED["chat stream"], receive_buffer=4096):
        await until_recorded(tmp_path, 1)
    ((header, _),) = records(tmp_path)
    assert header.error is ExchangeError.CLIENT_LEFT


# Streams.


async def test_a_media_type_has_no_case(start: StartRouter, stable: FakeEngine) -> None:
    stable.script = Script((EVENT, EVENT), headers=(("content-type", "Text/Event-Stream"),))
    stable.steps = asyncio.Semaphore(1)
    router = await start(table(target(stable)))
    async with posted(router, MIRRORED["chat stream"]) as wire:
        head = await wire._until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), "the first event is relayed before the second is there"
        stable.steps.release()


async def test_an_answer_is_recorded_before_its_done_is_relayed(start: StartRouter, tmp_path: Path) -> None:
    """However the engine cuts it: who has seen `[DONE]` has seen the end."""

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            b"c\r\ndata: [DONE]\r\n2\r\n\n\n\r\n"
        )

    async with engine(script) as raw:
        router = await start(routed(route(raw)))
        async with posted(router, MIRRORED["chat stream"]) as wire:
            await wire._until(b"[DONE]")
            assert len(records(tmp_path)) == 1


@pytest.mark.parametrize("passing", [WholeEvents, lambda: Renamed("v1", "tasks")])
def test_an_event_without_an_end_takes_linear_time(passing: Callable[[], WholeEvents | Renamed]) -> None:
    """Ten times the bytes take about ten times as long; what is quadratic takes a hundred."""

    def seconds(pieces: int) -> float:
        def feed() -> None:
            fed = passing()
            for _ in range(pieces):
                fed.events((b"x" * 8192,), False)

        return min(repeat(feed, number=1, repeat=3))

    assert seconds(1500) < 40 * seconds(150) + 0.1


# Accounts.


@pytest.mark.parametrize("capture", [CapturePolicy.NONE, CapturePolicy.METADATA])
async def test_reported_tokens_count_whatever_is_captured(
    start: StartRouter, stable: FakeEngine, session: ClientSession, capture: CapturePolicy
) -> None:
    used = b'{"choices":[],"usage":{"prompt_tokens":1,"total_tokens":5000}}'
    stable.script = Script((used,), headers=(("content-type", "application/json"),))
    router = await start(routed(route(target(stable), capture=capture), tokens_a_minute=1000))
    statuses = [(await post(session, router))[0] for _ in range(2)]
    assert statuses == [200, 429]
