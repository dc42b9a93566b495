"""An engine that needs no model: `python -m tests.serving.engines.fake_engine NAME PORT [MODE]`.

Modes: `ready` answers at once; `deaf` takes no connection; `stubborn` ignores SIGTERM and has a child;
`broken` ends at once.
"""

import json
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    model = ""

    def do_GET(self) -> None:
        self._answer({"status": "ok"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert body["model"] == self.model
        message = {"role": "assistant", "content": f"{self.model} hears {body['messages'][0]['content']}"}
        self._answer(
            {
                "id": "1",
                "object": "chat.completion",
                "created": 0,
                "model": self.model,
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            }
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it so)
        """Says nothing."""

    def _answer(self, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    name, port, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if mode == "broken":
        sys.exit(f"no such tensor in /srv/models/{name}, asked by http://127.0.0.1:{port}")
    if mode == "deaf":
        threading.Event().wait()
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen(["sleep", "600"])
    Handler.model = name
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()
