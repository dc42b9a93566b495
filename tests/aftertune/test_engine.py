"""The engine port over a real HTTP server, and fingerprints of its answers."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from aftertune.capabilities import ACCEPTED_FIELDS
from aftertune.engine import ChatAnswer
from aftertune.errors import Unavailable
from aftertune.fingerprint import MAX_TOKENS, PROMPTS, answer_digest, fingerprint, probe_messages
from aftertune.openai_engine import OpenAIEngine
from aftertune.values.exchange import ToolCall, Usage
from aftertune.values.release import EngineKind

CALL = {"id": "1", "type": "function", "function": {"name": "list_tasks", "arguments": "{}"}}


class Scripted(ThreadingHTTPServer):
    """Gives one answer to everything and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.headers: dict[str, str] = {}
        self.message: dict[str, Any] = {"role": "assistant", "content": "Hello."}
        self.body: bytes | None = None
        self.asked: list[tuple[dict[str, Any], dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self) -> bytes:
        if self.body is not None:
            return self.body
        choice = {"index": 0, "message": self.message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
        fields = {"id": "c", "object": "chat.completion", "created": 1, "model": "v1"}
        return json.dumps(fields | {"choices": [choice], "usage": usage}).encode()


class _Handler(BaseHTTPRequestHandler):
    server: Scripted

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((body, {name.lower(): value for name, value in self.headers.items()}))
        answer = self.server.answer()
        self.send_response(self.server.status)
        for name, value in ({"content-type": "application/json"} | self.server.headers).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class names it)
        pass


@pytest.fixture
def server() -> Iterator[Scripted]:
    scripted = Scripted()
    thread = threading.Thread(target=scripted.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield scripted
    scripted.shutdown()
    thread.join()
    scripted.server_close()


@pytest.fixture
def engine(server: Scripted) -> Iterator[OpenAIEngine]:
    opened = OpenAIEngine(server.url, "v1", api_key="at_key", timeout_s=10)
    yield opened
    opened.close()


def test_a_plain_answer_is_read_in_full(server: Scripted, engine: OpenAIEngine) -> None:
    messages = [{"role": "user", "content": "Hi"}]
    answer = engine.chat(messages, max_tokens=9, headers={"x-extra": "1"})
    assert answer == ChatAnswer(
        text="Hello.", finish="stop", usage=Usage(prompt_tokens=5, completion_tokens=2)
    )
    body, headers = server.asked[0]
    assert body == {"model": "v1", "messages": messages, "temperature": 0, "max_tokens": 9}
    assert (headers["authorization"], headers["x-extra"]) == ("Bearer at_key", "1")


def test_tool_calls_and_the_router_s_headers_are_read(server: Scripted, engine: OpenAIEngine) -> None:
    server.message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    server.headers = {"x-aftertune-release": "v2", "x-aftertune-generation": "7", "x-request-id": "q1"}
    tools = [{"type": "function", "function": {"name": "list_tasks", "parameters": {}}}]
    answer = engine.chat([{"role": "user", "content": "List"}], tools=tools)
    assert answer.tool_calls == (ToolCall(name="list_tasks", arguments="{}"),)
    assert (answer.text, answer.release, answer.generation, answer.request_id) == ("", "v2", 7, "q1")
    assert server.asked[0][0]["tools"] == tools


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (503, b"busy"),
        (404, b'{"error": {"message": "no such model"}}'),
        (200, b'{"choices": []}'),
        (200, b"{}"),
        (200, b"<html>a proxy says hello</html>"),
        (200, b""),
        (200, b'{"choices": [{"index": 0, "finish_reason": "stop"}]}'),
    ],
)
def test_no_answer_is_unavailable(server: Scripted, engine: OpenAIEngine, status: int, body: bytes) -> None:
    server.status, server.body = status, body
    with pytest.raises(Unavailable, match="gave"):
        engine.chat([{"role": "user", "content": "Hi"}])


def test_a_wrong_generation_header_is_unavailable(server: Scripted, engine: OpenAIEngine) -> None:
    server.headers = {"x-aftertune-generation": "seven"}
    with pytest.raises(Unavailable):
        engine.chat([{"role": "user", "content": "Hi"}])


def test_an_engine_that_is_gone_is_unavailable(server: Scripted) -> None:
    gone = OpenAIEngine("http://127.0.0.1:9", "v1", timeout_s=5)
    with pytest.raises(Unavailable):
        gone.chat([{"role": "user", "content": "Hi"}])
    gone.close()


def test_a_fingerprint_digests_the_answer_to_each_prompt(server: Scripted, engine: OpenAIEngine) -> None:
    digests = fingerprint(engine, headers={"x-probe": "v1"})
    assert digests == (answer_digest(ChatAnswer(text="Hello.")),) * len(PROMPTS)
    assert [body["messages"] for body, _ in server.asked] == [probe_messages(prompt) for prompt in PROMPTS]
    assert {body["max_tokens"] for body, _ in server.asked} == {MAX_TOKENS}
    assert {headers["x-probe"] for _, headers in server.asked} == {"v1"}


def test_a_digest_covers_text_and_calls_and_nothing_else() -> None:
    plain = ChatAnswer(text="a")
    assert answer_digest(plain) == "b8600b1c7951262bf0656b7ec6bcb781f73956f092421a134251f70b2a79466e"
    assert answer_digest(plain) == answer_digest(ChatAnswer(text="a", finish="length", request_id="q"))
    others = [
        ChatAnswer(text="b"),
        ChatAnswer(text="a", tool_calls=(ToolCall(name="a", arguments=""),)),
        ChatAnswer(text="", tool_calls=(ToolCall(name="a", arguments=""),)),
    ]
    assert len({answer_digest(answer) for answer in (plain, *others)}) == 4


def test_every_engine_kind_says_what_it_takes() -> None:
    assert set(ACCEPTED_FIELDS) == set(EngineKind)
    for fields in ACCEPTED_FIELDS.values():
        assert fields is None or {"model", "messages", "stream"} <= set(fields)
