"""A judge model behind an OpenAI-compatible URL: it answers as JSON what it is told to, or fails on command."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Mood(StrEnum):
    """yes and no are verdicts; the others are ways in which a judge gives none."""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"
    GARBAGE = "garbage"
    SERVER_ERROR = "server_error"
    HANG = "hang"


SAID = {
    Mood.YES: json.dumps({"reason": "It is polite.", "verdict": 1}),
    Mood.NO: json.dumps({"reason": "It is rude.", "verdict": 0}),
    Mood.MAYBE: json.dumps({"reason": "It is half polite.", "verdict": 7}),
    Mood.GARBAGE: "I would rather not say.",
}


@dataclass
class FakeJudge:
    """`seen` grows with every request; a hanging one lets go when the fake is closed."""

    url: str
    mood: Mood = Mood.YES
    seen: list[dict[str, Any]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)


@contextmanager
def fake_judge() -> Iterator[FakeJudge]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            judge.seen.append(body)
            if judge.mood is Mood.HANG:
                judge.closing.wait()
                return
            if judge.mood is Mood.SERVER_ERROR:
                self._send(500, {"error": {"message": "the judge broke", "type": "server_error"}})
                return
            self._send(200, _completion(body, SAID[judge.mood]))

        def _send(self, status: int, answer: dict[str, Any]) -> None:
            raw = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class names it so)
            """Nothing: a test's output is its own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    judge = FakeJudge(f"http://127.0.0.1:{server.server_port}")
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    try:
        yield judge
    finally:
        judge.closing.set()
        server.shutdown()
        serving.join()
        server.server_close()


def _completion(body: dict[str, Any], said: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-judge",
        "object": "chat.completion",
        "created": 1_767_571_200,
        "model": body["model"],
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": said},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
