"""What is not HTTP as it should be is refused in OpenAI's shape, the connection closed, and no engine hears of it."""

import asyncio
import json
from pathlib import Path

import pytest

from serving.router.app import Router
from tests.fakes.engine import FakeEngine
from tests.serving.router.asked import EVERY, MIRRORED
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import CHAT_KEY, DEPLOYMENT, body, records, table, target
from tests.serving.router.wire import connected, request

BODY = json.dumps(body()).encode()
SIZE = len(BODY)
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (SIZE, BODY)
MAX_BODY = 20_000
MAX_HEAD = 8_192


def with_lines(*lines: str, raw: bytes = BODY) -> bytes:
    """A chat request whose framing headers are these lines."""
    return request(raw, also=lines, length=False)


def replaced(old: bytes, new: bytes) -> bytes:
    whole = request(BODY)
    assert old in whole
    return whole.replace(old, new, 1)


LENGTHS = {
    f"content-length {value!r}": with_lines(f"content-length: {value}")
    for value in ("-1", "+5", "0x5", "5 5", "5,5", f"{SIZE}, {SIZE}", "", "1e2", "5.0", "½", "9" * 40)
}
CODINGS = {
    f"transfer-encoding {value!r}": with_lines(f"transfer-encoding: {value}", raw=CHUNKED)
    for value in (
        "gzip",
        "gzip, chunked",
        "chunked, chunked",
        "xchunked",
        "chunked;q=1",
        "identity",
        "",
        '"chunked"',
    )
}
CHUNKS = {
    f"chunk {raw[:20]!r}": with_lines("transfer-encoding: chunked", raw=raw)
    for raw in (
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"-1\r\n{}\r\n0\r\n\r\n",
        b"+2\r\n{}\r\n0\r\n\r\n",
        b"0x2\r\n{}\r\n0\r\n\r\n",
        b" 2\r\n{}\r\n0\r\n\r\n",
        b"\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}0\r\n\r\n",
        b"2\r\n{}xx0\r\n\r\n",
        b"2\n{}\n0\n\n",
        b"f" * 17 + b"\r\n{}\r\n0\r\n\r\n",
        b"2;\x00\r\n{}\r\n0\r\n\r\n",
    )
}
HEADS = {
    "two lengths": with_lines(f"content-length: {SIZE}", "content-length: 5"),
    "the same length twice": with_lines(f"content-length: {SIZE}", f"Content-Length: {SIZE}"),
    "length and chunked": with_lines(f"content-length: {SIZE}", "transfer-encoding: chunked", raw=CHUNKED),
    "chunked and length": with_lines("transfer-encoding: chunked", f"content-length: {SIZE}", raw=CHUNKED),
    "chunked twice": with_lines("transfer-encoding: chunked", "transfer-encoding: chunked", raw=CHUNKED),
    "chunked, then not": with_lines("transfer-encoding: chunked", "transfer-encoding: identity", raw=CHUNKED),
    "vertical tab": with_lines("transfer-encoding: \x0bchunked", raw=CHUNKED),
    "space before the colon": with_lines("transfer-encoding : chunked", raw=CHUNKED),
    "length with a space before the colon": with_lines(f"content-length : {SIZE}"),
    "folded line": replaced(b"content-type:", b"x-folded: a\r\n b: c\r\ncontent-type:"),
    "folded coding": with_lines("transfer-encoding:\r\n chunked", raw=CHUNKED),
    "bare line feeds": request(BODY).replace(b"\r\n", b"\n"),
    "a bare line feed": replaced(b"host: router\r\n", b"host: router\nx-a: b\r\n"),
    "a lone carriage return": replaced(b"host: router\r\n", b"host: router\rx-a: b\r\n"),
    "nul in a value": replaced(b"host: router", b"host: rou\x00ter"),
    "nul in a name": replaced(b"content-type:", b"content\x00type: x\r\ncontent-type:"),
    "nul in the target": replaced(b"/v1/chat", b"/v1\x00/chat"),
    "no colon": replaced(b"content-type:", b"x-nothing\r\ncontent-type:"),
    "no name": replaced(b"content-type:", b": x\r\ncontent-type:"),
    "a name with a space": replaced(b"content-type:", b"x y: z\r\ncontent-type:"),
    "a name with a bracket": replaced(b"content-type:", b"x(y): z\r\ncontent-type:"),
    "two hosts": replaced(b"host: router", b"host: router\r\nhost: other"),
    "space in the target": replaced(b"/v1/chat", b"/v1/ chat"),
    "no target": replaced(b"POST /v1/chat/completions HTTP", b"POST HTTP"),
    "no such version": replaced(b"HTTP/1.1", b"HTTP/9.9"),
    "no version": b"GET /healthz\r\n\r\n",
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x07" * 500 + b"\r\n\r\n",
    "no method": replaced(b"POST /", b" /"),
    "a method of no tokens": replaced(b"POST /", b"PO{}ST /"),
    "zeroes": b"\x00" * 600 + b"\r\n\r\n",
}
BROKEN = LENGTHS | CODINGS | CHUNKS | HEADS


@pytest.fixture
async def router(start: StartRouter, stable: FakeEngine) -> Router:
    return await start(table(target(stable)), max_body_bytes=MAX_BODY, max_head_bytes=MAX_HEAD)


@pytest.fixture
async def impatient(start: StartRouter, stable: FakeEngine) -> Router:
    return await start(table(target(stable)), head_timeout_s=1.0, body_timeout_s=1.0)


async def works(router: Router) -> None:
    async with connected(router) as wire:
        wire.write(request(BODY))
        assert (await wire.reply()).status == 200


@pytest.mark.parametrize("name", list(BROKEN))
async def test_broken_framing(router: Router, stable: FakeEngine, tmp_path: Path, name: str) -> None:
    """Whatever follows on the connection is no request either: it is closed after one refusal."""
    async with connected(router) as wire:
        wire.write(BROKEN[name] + request(BODY))
        reply = await wire.reply()
        assert reply.status in (400, 413, 501, 505)
        assert reply.error["type"] == "invalid_request_error" or reply.status > 500
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers.get("connection") == "close"
        assert await wire.closed()
    assert not stable.seen
    assert not records(tmp_path)
    await works(router)


@pytest.mark.parametrize(
    ("raw", "statuses"),
    [
        (replaced(b"host: router", b"host: router\r\nx-long: " + b"x" * MAX_HEAD), {431}),
        (replaced(b"host: router", b"host: router\r\n" + b"a: b\r\n" * 1_500 + b"x: y"), {431}),
        (replaced(b"completions", b"completions?" + b"x" * MAX_HEAD), {414, 431}),
        (b"POST /" + b"x" * 100_000, {400, 414, 431}),
        (with_lines(f"content-length: {MAX_BODY + 1}", raw=b""), {413}),
        (with_lines("transfer-encoding: chunked", raw=b"ffff\r\n" + b"x" * (MAX_BODY + 1)), {413}),
        (with_lines("transfer-encoding: chunked", raw=b"1\r\nx\r\n" * (MAX_BODY + 1)), {413}),
        (with_lines("transfer-encoding: chunked", raw=b"1;" + b"x" * 200_000), {400, 413, 431}),
        (with_lines("transfer-encoding: chunked", raw=b"0\r\n" + b"x: y\r\n" * 50_000), {400, 413, 431}),
    ],
)
async def test_too_much(router: Router, stable: FakeEngine, raw: bytes, statuses: set[int]) -> None:
    async with connected(router) as wire:
        wire.write(raw)
        reply = await wire.reply()
        assert reply.status in statuses
        assert reply.error["type"] == "invalid_request_error"
        assert await wire.closed()
    assert not stable.seen
    await works(router)


@pytest.mark.parametrize(
    "raw",
    [
        b"POST /v1/chat/completions HTTP/1.1\r\nhost:",
        b"P",
        with_lines(f"content-length: {SIZE}", raw=BODY[:10]),
        with_lines("transfer-encoding: chunked", raw=b"ff\r\n{"),
    ],
)
async def test_too_slow(impatient: Router, stable: FakeEngine, raw: bytes) -> None:
    """Half a head, or half a body, and then silence."""
    async with connected(impatient) as wire:
        wire.write(raw)
        reply = await wire.reply()
        assert reply.status == 408
        assert reply.error["type"] == "invalid_request_error"
        assert await wire.closed()
    assert not stable.seen


async def test_a_byte_now_and_then_does_not_extend_the_deadline(impatient: Router) -> None:
    async with connected(impatient) as wire:
        answer = asyncio.create_task(wire.reply())
        async with asyncio.timeout(30):
            for byte in request(BODY):
                if answer.done():
                    break
                wire.write(bytes((byte,)))
                await asyncio.sleep(0.05)
            assert (await answer).status == 408


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"nothing",
        b"[]",
        b'"x"',
        b"\xff\xfe",
        b'{"model":"tasks","messages":["\xff"]}',
        b'{"model":"tasks","messages":["\xed\xa0\x80"]}',
        b'{"model":"tasks","x":"a\x00b","messages":[]}',
        b'{"model":"tasks","messages":[]} {}',
        b'{"model":"tasks","messages":[],}',
        b'{"model":"tasks","x":NaN}',
        b'{"model":["tasks"]}',
        b'{"messages":[]}',
        b"[" * 15_000,
        b'{"a":' * 3_000,
        b'{"model":"tasks","messages":' + b"[" * 2_000 + b"]" * 2_000 + b"}",
        "﻿{}".encode(),
        '{"model":"tasks"}'.encode("utf-16"),
    ],
)
@pytest.mark.parametrize("path", sorted({asked.path for asked in EVERY.values()}))
async def test_a_body_that_is_no_request(
    router: Router, stable: FakeEngine, tmp_path: Path, path: str, content: bytes
) -> None:
    """The framing was right: the connection lives on."""
    async with connected(router) as wire:
        for _ in range(2):
            wire.write(request(content, path=path))
            reply = await wire.reply()
            assert reply.status == 400
            assert reply.error["type"] == "invalid_request_error"
        wire.write(request(BODY))
        assert (await wire.reply()).status == 200
    assert len(stable.seen) == 1
    assert len(records(tmp_path)) == 1


async def test_a_body_in_chunks_of_any_size(router: Router, stable: FakeEngine) -> None:
    pieces = (
        b"".join(b"1;ext=%d\r\n%c\r\n" % (n, byte) for n, byte in enumerate(BODY)) + b"0\r\nx-t: 1\r\n\r\n"
    )
    async with connected(router) as wire:
        for raw in (CHUNKED, pieces, CHUNKED.replace(b"\r\n", b";a=b\r\n", 1)):
            wire.write(with_lines("Transfer-Encoding: chunked", raw=raw))
            assert (await wire.reply()).status == 200
    assert {seen.body for seen in stable.seen} == {BODY.replace(b"tasks", b"v1")}


async def test_continue_is_said_before_the_body_and_only_when_it_is_wanted(
    router: Router, stable: FakeEngine
) -> None:
    async with connected(router) as wire:
        wire.write(with_lines(f"content-length: {SIZE}", "expect: 100-continue", raw=b""))
        assert (await wire.reply()).status == 100
        wire.write(BODY)
        assert (await wire.reply()).status == 200
    assert "expect" not in stable.seen[0].headers
    async with connected(router) as wire:
        wire.write(with_lines(f"content-length: {MAX_BODY + 1}", "expect: 100-continue", raw=b""))
        assert (await wire.reply()).status == 413
    async with connected(router) as wire:
        raw = with_lines(f"content-length: {SIZE}", "expect: 100-continue", raw=b"")
        wire.write(raw.replace(CHAT_KEY.encode(), b"at_wrong"))
        assert (await wire.reply()).status == 401


async def test_pipelined_requests_are_answered_in_order(router: Router, stable: FakeEngine) -> None:
    stable.pause_s = 0.2
    requests = [
        request(BODY, also=("x-request-id: one",)),
        b"GET /healthz HTTP/1.1\r\nhost: router\r\nx-request-id: two\r\n\r\n",
        request(MIRRORED["chat stream"].raw(), also=("x-request-id: three",)),
        b"GET /nothing HTTP/1.1\r\nhost: router\r\nx-request-id: four\r\n\r\n",
    ]
    async with connected(router) as wire:
        wire.write(b"".join(requests))
        replies = [await wire.reply() for _ in requests]
        assert [reply.status for reply in replies] == [200, 200, 200, 404]
        named = [reply.headers.get("x-request-id") for reply in replies]
        assert (named[0], named[2], named[3]) == ("one", "three", "four")


async def test_requests_cut_anywhere(router: Router) -> None:
    whole = request(BODY)
    async with connected(router) as wire:
        for size in (1, 3, 50):
            for at in range(0, len(whole), size):
                wire.write(whole[at : at + size])
                await wire.writer.drain()
                await asyncio.sleep(0)
            assert (await wire.reply()).status == 200


async def test_http_1_0(router: Router, stable: FakeEngine) -> None:
    """It gets its answer unchunked, and the connection ends with it."""
    async with connected(router) as wire:
        wire.write(request(MIRRORED["chat stream"].raw()).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
        reply = await wire.reply()
        assert reply.status in (200, 505)
        if reply.status == 200:
            assert "transfer-encoding" not in reply.headers
            assert reply.body.endswith(b"data: [DONE]\n\n")
        assert await wire.closed()


@pytest.mark.parametrize(
    ("line", "statuses"),
    [
        (b"GET http://router/healthz HTTP/1.1", {200, 400, 404}),
        (b"GET http://169.254.169.254/latest HTTP/1.1", {400, 404}),
        (b"GET //healthz HTTP/1.1", {400, 404}),
        (b"GET /v1/../healthz HTTP/1.1", {400, 404}),
        (b"GET /%2e%2e/%00 HTTP/1.1", {400, 404}),
        (b"GET /v1/models/%2e%2e%2f HTTP/1.1", {400, 401, 404}),
        (b"CONNECT engine:80 HTTP/1.1", {400, 404, 405, 501}),
        (b"OPTIONS * HTTP/1.1", {400, 404, 405}),
        (b"TRACE /healthz HTTP/1.1", {400, 405, 501}),
        (b"get /healthz HTTP/1.1", {400, 405, 501}),
        (b"GET /healthz?" + b"%ff" * 100 + b" HTTP/1.1", {200, 400}),
    ],
)
async def test_odd_targets(router: Router, line: bytes, statuses: set[int]) -> None:
    async with connected(router) as wire:
        wire.write(line + b"\r\nhost: router\r\nconnection: close\r\n\r\n")
        reply = await wire.reply()
        assert reply.status in statuses
        if reply.status >= 400:
            assert reply.error["message"]


async def test_a_request_hidden_in_a_body_stays_a_body(router: Router, stable: FakeEngine) -> None:
    hidden = request(BODY, also=("x-request-id: hidden",))
    asked = json.dumps(body(hidden.decode())).encode()
    async with connected(router) as wire:
        wire.write(request(asked))
        assert (await wire.reply()).status == 200
        wire.write(b"GET /healthz HTTP/1.1\r\nhost: router\r\nconnection: close\r\n\r\n")
        assert (await wire.reply()).status == 200
        assert await wire.closed()
    (seen,) = stable.seen
    assert seen.json["messages"][0]["content"] == hidden.decode()


async def test_an_answer_cannot_be_split(router: Router, stable: FakeEngine) -> None:
    """What a client names goes into headers only where it fits one."""
    async with connected(router) as wire:
        raw = {**body(), "model": f"{DEPLOYMENT}\r\nx-split: 1", "user": "a\r\nx-split: 1"}
        wire.write(request(json.dumps(raw).encode(), also=("x-request-id: a\tb",)))
        reply = await wire.reply()
        assert reply.status == 404
        assert "x-split" not in reply.headers
        wire.write(request(json.dumps({**body(), "a\r\nx-split: 1": 1}).encode()))
        assert "x-split" not in (await wire.reply()).headers
