"""A judge model behind an OpenAI-compatible URL: it gives the verdict that it is told to, or fails on command."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from evals.judging.canary import CANARIES


class Mood(StrEnum):
    """yes and no are verdicts; the others are ways in which a judge gives none. Canaries are answered right throughout."""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"
    PROSE = "prose"
    SERVER_ERROR = "server_error"
    HANG = "hang"


PROSE = "I would rather not say."
CODE = re.compile(r"The code is (\w+)")
LISTED = re.compile(r"a list of (\d+)")


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
            canary = _right(body["messages"][-1]["content"])
            if canary is None and judge.mood is Mood.HANG:
                judge.closing.wait()
                return
            if canary is None and judge.mood is Mood.SERVER_ERROR:
                self._send(500, {"error": {"message": "the judge broke", "type": "server_error"}})
                return
            said = _said(body["messages"][0]["content"], canary or judge.mood)
            self._send(200, _completion(body, said))

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


def _right(user: str) -> Mood | None:
    """The right answer to a canary; None for any other question."""
    known = (each for each in CANARIES if each.answer in user and each.question in user)
    return next((Mood.YES if each.right else Mood.NO for each in known), None)


def _said(system: str, mood: Mood) -> str:
    """As a judge replies that does what it was told, but for what it is told to say."""
    code, listed = CODE.search(system), LISTED.search(system)
    if mood is Mood.PROSE or code is None:
        return PROSE
    verdict = {"verdicts": [mood.value] * int(listed[1])} if listed else {"verdict": mood.value}
    return json.dumps({"code": code[1], "reason": "It is so.", **verdict})


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
