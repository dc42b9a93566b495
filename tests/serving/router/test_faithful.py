"""What the engine sends is what the client gets, and the other way round: byte for byte."""

import asyncio
import json
import re

import pytest
from aiohttp import ClientSession

from aftertune.values.route import Route, RoutingTable
from tests.fakes.engine import FakeEngine, Fault, Script
from tests.serving.router.asked import EVERY, MIRRORED, Answered, Asked, ask, send
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import table, target

CHAT = MIRRORED["chat"]
STREAM = MIRRORED["chat stream"]
OURS = frozenset({"x-request-id", "x-aftertune-release", "x-aftertune-generation"})
HOP = frozenset({"server", "connection", "keep-alive", "transfer-encoding", "content-length"})
JSON = (("content-type", "application/json"),)
NAMELESS = frozenset({"tokenize", "detokenize", "responses stream"})
"""Their answers have no model at the top."""


def theirs(answer: Answered) -> list[tuple[str, str]]:
    """The headers that are the engine's own, in their order."""
    named = ((name.lower(), value) for name, value in answer.headers)
    return [(name, value) for name, value in named if name not in OURS | HOP]


@pytest.mark.parametrize("name", list(EVERY))
async def test_every_endpoint_answers_as_the_engine_does(
    start: StartRouter, stable: FakeEngine, session: ClientSession, name: str
) -> None:
    router = await start(table(target(stable)))
    asked = EVERY[name]
    plain = {"content-type": "application/json"}
    direct = await send(session, "POST", stable.url + asked.path, plain, asked.raw("v1"))
    routed = await ask(session, router, asked)
    assert direct.status == routed.status == 200
    assert routed.body == direct.body
    assert theirs(routed) == theirs(direct)
    assert routed.header("x-aftertune-release") == "r-v1"
    assert routed.header("x-aftertune-generation") == "3"
    assert routed.header("x-request-id")
    assert stable.seen[1].body == stable.seen[0].body == asked.raw("v1")


BODIES = [
    b'{"model":"tasks","messages":[{"role":"user","content":"x"}]}',
    b' \r\n\t{ "messages" : [ {"role" : "user", "content" : "x"} ] ,\n "model"\t:\n"tasks" } \n',
    b'{"model":"tasks","messages":[],"seed":123456789012345678901234567890,"temperature":1.50e+00}',
    '{"model":"tasks","messages":[{"role":"user","content":"é \\u00e9 \\ud83d\\ude00 \\/"}]}'.encode(),
    b'{"metadata":{"model":"tasks"},"messages":[{"model":"tasks","content":"\\"model\\":\\"tasks\\""}],"model":"tasks"}',
    b'{"x_unknown":{"deep":[[[1,null,true]]]},"model":"tasks","messages":[],"x_unknown":2}',
    b'{"messages":[],"vllm_xargs":{"a":1},"guided_json":{"type":"object"},"model":"tasks","top_k":-1}',
]


@pytest.mark.parametrize("raw", BODIES)
async def test_the_engine_gets_the_client_s_bytes_but_for_the_model(
    start: StartRouter, stable: FakeEngine, session: ClientSession, raw: bytes
) -> None:
    router = await start(table(target(stable)))
    assert (await ask(session, router, CHAT, raw=raw)).status == 200
    assert stable.seen[0].body == replaced(raw)


def replaced(raw: bytes) -> bytes:
    """`raw` with the value of its top-level `model` exchanged: found by its depth, not by a parser of ours."""
    depth, inside, position = 0, False, 0
    while position < len(raw):
        byte = raw[position : position + 1]
        if inside:
            inside = byte != b'"'
            position += 2 if byte == b"\\" else 1
            continue
        found = re.compile(rb'("model"\s*:\s*)"tasks"').match(raw, position)
        if found and depth == 1:
            return raw[: found.start()] + found[1] + b'"v1"' + raw[found.end() :]
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(byte, 0)
        inside = byte == b'"'
        position += 1
    raise AssertionError("no model")


async def test_only_the_last_of_two_models_counts_and_none_of_them_reaches_the_engine(
    start: StartRouter, stable: FakeEngine, session: ClientSession
) -> None:
    """Parsers disagree about repeated names: all must see the same release."""
    router = await start(table(target(stable)))
    raw = b'{"model":"other","messages":[],"model":"tasks"}'
    assert (await ask(session, router, CHAT, raw=raw)).status == 200
    assert stable.seen[0].body == b'{"model":"v1","messages":[],"model":"v1"}'


STREAMS = {
    "usage": b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\ndata: [DONE]\n\n',
    "crlf": b'data: {"id":"1"}\r\n\r\ndata: [DONE]\r\n\r\n',
    "comments": b': ping - 2026-11-21\n\ndata: {"id":"1"}\n\n: ping\n\ndata: [DONE]\n\n',
    "named events": b'event: response.created\nid: 7\nretry: 10\ndata: {"type":"response.created"}\n\n',
    "several lines": b'data: {"id":\ndata: "1"}\n\ndata: [DONE]\n\n',
    "error in the middle": b'data: {"id":"1"}\n\ndata: {"error":{"message":"CUDA out of memory","code":500}}\n\n',
    "error and done": b'data: {"error":{"message":"x","type":"y","param":null,"code":400}}\n\ndata: [DONE]\n\n',
    "no end": b'data: {"id":"1"}\n\ndata: {"id":"2"}',
    "after done": b"data: [DONE]\n\ndata: more\n\n",
    "done twice": b"data: [DONE]\n\ndata: [DONE]\n\n",
    "no utf-8": b"data: \xff\xfe\x00\n\ndata: [DONE]\n\n",
    "long event": b'data: {"x":"' + b"x" * 300_000 + b'"}\n\ndata: [DONE]\n\n',
    "model inside": b'data: {"model":"v1","x":{"model":"v1"}}\n\ndata: {"model": "v1" }\n\ndata: [DONE]\n\n',
    "tool deltas": b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\\"a"}}]}}]}\n\n',
    "empty": b"",
}


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
async def test_streams_of_any_kind_cut_anywhere(
    start: StartRouter, stable: FakeEngine, session: ClientSession, size: int
) -> None:
    router = await start(table(target(stable)))
    for name, stream in STREAMS.items():
        cut = size if len(stream) < 10_000 else max(size, 1000)
        parts = tuple(stream[at : at + cut] for at in range(0, len(stream), cut))
        stable.script = Script(parts)
        answer = await ask(session, router, STREAM)
        assert (answer.status, answer.body) == (200, stream), name


ANSWERS = {
    "created": Script((b'{"model": "v1"}',), 201, JSON),
    "plain text": Script((b"just text",), 200, (("content-type", "text/plain"),)),
    "no type": Script((b"\x00\x01",), 200, ()),
    "bad request": Script((b'{"error": {"message": "no", "code": 400}}',), 400, JSON),
    "unprocessable": Script((b'{"detail": [{"loc": ["body"]}]}',), 422, JSON),
    "rate limited": Script((b'{"error": {}}',), 429, (*JSON, ("retry-after", "7"))),
    "not implemented": Script((b"not implemented",), 501, (("content-type", "text/plain"),)),
    "unavailable": Script((b'{"error": {}}',), 503, (*JSON, ("retry-after", "30"))),
    "redirect": Script((b"",), 307, (("location", "http://engine.internal/v1"),)),
    "empty": Script((), 204, ()),
    "length kept": Script((b"{}  ",), 200, (*JSON, ("content-length", "4"))),
    "large": Script(tuple(b"x" * 65_536 for _ in range(40)), 200, JSON),
}


@pytest.mark.parametrize("name", list(ANSWERS))
async def test_any_status_and_body_passes_as_it_is(
    start: StartRouter, stable: FakeEngine, session: ClientSession, name: str
) -> None:
    router = await start(table(target(stable)))
    script = stable.script = ANSWERS[name]
    answer = await ask(session, router, CHAT)
    assert (answer.status, answer.body) == (script.status, b"".join(script.parts))
    kept = theirs(answer)
    assert [header for header in script.headers if header[0] != "content-length"] == [
        header for header in kept if header in script.headers
    ]


async def test_headers_both_ways(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession
) -> None:
    router = await start(table(target(stable), target(candidate)))
    vendor = (("x-vendor", "a"), ("openai-processing-ms", "12"), ("x-several", "1"), ("x-several", "2"))
    private = (("set-cookie", "s=1"), ("x-aftertune-release", "forged"), ("x-request-id", "forged"))
    stable.script = Script((b"{}",), 200, (*JSON, *vendor, *private, ("keep-alive", "timeout=9")))
    sent = {
        "x-vendor-option": "kept",
        "openai-organization": "org-1",
        "user-agent": "OpenAI/Python 2",
        "x-stainless-lang": "python",
        "accept": "application/json",
        "cookie": "s=1",
        "x-api-key": "secret",
        "proxy-authorization": "Basic secret",
        "te": "trailers",
        "keep-alive": "timeout=5",
        "connection": "keep-alive, x-hop",
        "x-hop": "only to here",
        "x-request-id": "req-1",
    }
    answer = await ask(session, router, CHAT, sent)
    assert [header for header in theirs(answer) if header in vendor] == list(vendor)
    assert answer.header("set-cookie") is None
    assert answer.header("x-aftertune-release") == "r-v1"
    assert answer.header("x-request-id") == "req-1"
    seen = stable.seen[0].headers
    for name in ("x-vendor-option", "openai-organization", "user-agent", "x-stainless-lang", "accept"):
        assert seen[name] == sent[name]
    for name in ("authorization", "cookie", "x-api-key", "proxy-authorization", "te", "keep-alive", "x-hop"):
        assert name not in seen
    assert seen["x-request-id"] == "req-1"
    assert seen["host"] == stable.url.removeprefix("http://")


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_the_trace_context_is_carried_and_never_invented(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession
) -> None:
    router = await start(table(target(stable), target(candidate)))
    context = {"traceparent": TRACE, "tracestate": "vendor=1,other=2", "baggage": "a=1"}
    await ask(session, router, CHAT, context)
    await ask(session, router, CHAT)
    given, absent = (seen.headers for seen in stable.seen)
    assert {name: given.get(name) for name in context} == context
    assert not set(context) & set(absent)
    await asyncio.wait_for(candidate.arrived.wait(), 30)
    assert {name: candidate.seen[0].headers.get(name) for name in context} == context


@pytest.mark.parametrize(
    ("given", "used"), [("req-1", True), ("r" * 300, False), ("a b\tc", False), ("", False)]
)
async def test_a_request_has_one_id_everywhere(
    start: StartRouter, stable: FakeEngine, session: ClientSession, given: str, used: bool
) -> None:
    router = await start(table(target(stable)))
    answer = await ask(session, router, STREAM, {"x-request-id": given})
    identity = answer.header("x-request-id")
    assert identity
    assert (identity == given) is used
    assert stable.seen[0].headers["x-request-id"] == identity


async def test_two_requests_without_an_id_get_different_ones(
    start: StartRouter, stable: FakeEngine, session: ClientSession
) -> None:
    router = await start(table(target(stable)))
    made = {(await ask(session, router, CHAT)).header("x-request-id") for _ in range(3)}
    assert len(made) == 3


@pytest.mark.parametrize("name", [name for name in EVERY if name not in NAMELESS])
async def test_where_asked_the_answer_names_the_deployment_and_nothing_else_changes(
    start: StartRouter, stable: FakeEngine, session: ClientSession, name: str
) -> None:
    kept = await start(table(target(stable)), name="router-2")
    plain = table(target(stable))
    route = Route.model_validate({**plain.routes[0].model_dump(), "rename": True})
    renaming = await start(RoutingTable(revision=1, routes=(route,), keys=plain.keys))
    as_it_was = (await ask(session, kept, EVERY[name])).body
    renamed = (await ask(session, renaming, EVERY[name])).body
    assert b'"model": "v1"' in as_it_was
    assert renamed == as_it_was.replace(b'"model": "v1"', b'"model": "tasks"')


async def test_a_field_the_engine_does_not_take_is_all_that_is_missing(
    start: StartRouter, stable: FakeEngine, session: ClientSession
) -> None:
    router = await start(table(target(stable, accepts=("model", "messages", "stream"))))
    raw = b'{ "model": "tasks", "n" : 2, "messages":[ ], "stream" : false, "tools": [] }'
    answer = await ask(session, router, CHAT, raw=raw)
    assert answer.header("x-aftertune-dropped-fields") == "n, tools"
    assert list(json.loads(stable.seen[0].body)) == ["model", "messages", "stream"]


async def test_a_whole_answer_that_stops_is_an_error_and_not_half_an_answer(
    start: StartRouter, stable: FakeEngine, session: ClientSession
) -> None:
    """What is no stream of events is kept back until it is whole."""
    router = await start(table(target(stable)), chunk_timeout_s=1.0)
    stable.fault = Fault.STALL
    headers = {"authorization": "Bearer at_chat"}
    url = router.url + CHAT.path
    async with session.post(url, data=CHAT.raw(), headers=headers) as answer:
        assert answer.status == 504
        assert (await answer.json())["error"]["code"] == "engine_timeout"


async def test_answers_do_not_mix_over_one_connection(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession
) -> None:
    router = await start(table(target(stable), target(candidate)))

    async def converse(number: int) -> None:
        for turn in range(10):
            text = f"Create a task called number {number} turn {turn}."
            fields = {**CHAT.fields, "messages": [{"role": "user", "content": text}], "stream": turn % 2 == 0}
            answer = await ask(session, router, Asked(CHAT.path, fields), {"x-request-id": text})
            assert answer.header("x-request-id") == text
            arguments = "".join(re.findall(r'"arguments": "((?:[^"\\]|\\.)*)"', answer.body.decode()))
            assert f"number {number} turn {turn}" in arguments

    await asyncio.gather(*(converse(number) for number in range(8)))
