"""An engine that only waits: each chat answer takes the same time. It counts how many requests were under way.

`python -m benchmarks.harness.engine --port 9321 --delay 0.5`; GET /load tells and forgets what it counted.
"""

import argparse
import asyncio
import time
from typing import Any

from aiohttp import web

ANSWER = "4"


class Load:
    """The mean number of requests under way, by time, since the first one came."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.requests = self.under_way = self.most = 0
        self.area = 0.0
        self.first = self.last = 0.0

    def change(self, by: int) -> None:
        now = time.perf_counter()
        if not self.requests:
            self.first = self.last = now
        self.area += self.under_way * (now - self.last)
        self.last = now
        self.under_way += by
        self.requests += by > 0
        self.most = max(self.most, self.under_way)

    def told(self) -> dict[str, float]:
        seconds = self.last - self.first
        return {"requests": self.requests, "seconds": seconds, "area": self.area, "most": self.most}


def application(delay_s: float) -> web.Application:
    load = Load()

    async def chat(request: web.Request) -> web.Response:
        load.change(+1)
        try:
            body: dict[str, Any] = await request.json()
            await asyncio.sleep(delay_s)
        finally:
            load.change(-1)
        message = {"role": "assistant", "content": ANSWER}
        return web.json_response(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1,
                "model": body.get("model"),
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
            }
        )

    async def told(_: web.Request) -> web.Response:
        said = load.told()
        load.reset()
        return web.json_response(said)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_get("/load", told)
    return app


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, required=True, help="seconds that an answer takes")
    chosen = parser.parse_args()
    web.run_app(application(chosen.delay), host="127.0.0.1", port=chosen.port, access_log=None, print=None)


if __name__ == "__main__":
    main()
