"""Users that ask all the time, and remember which answers they saw whole."""

import asyncio
import threading
from typing import Self

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

PATIENCE_S = 15.0
PAUSE_S = 0.02
_TOOL = {
    "type": "function",
    "function": {
        "name": "create_task",
        "parameters": {
            "type": "object",
            "properties": {"title": {"type": "string"}, "priority": {"type": "string"}},
            "required": ["title"],
        },
    },
}


class Users(threading.Thread):
    """`rate` requests a second over all users, half of them streamed; `whole` holds the ids of whole answers."""

    def __init__(self, url: str, key: str, users: int, rate: float) -> None:
        super().__init__(daemon=True)
        self.whole: list[str] = []
        self.failed = 0
        self._url = f"{url}/v1/chat/completions"
        self._headers = {"authorization": f"Bearer {key}"}
        self._users = users
        self._interval_s = users / rate
        self._stopping = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()

    def run(self) -> None:
        asyncio.run(self._all())

    async def _all(self) -> None:
        async with ClientSession(
            connector=TCPConnector(limit=0), timeout=ClientTimeout(total=PATIENCE_S), headers=self._headers
        ) as session:
            await asyncio.gather(*(self._user(session, number) for number in range(self._users)))

    async def _user(self, session: ClientSession, user: int) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._interval_s * user / self._users
        number = user * 10_000_000
        while not self._stopping.is_set():
            await asyncio.sleep(max(0.0, due - loop.time()))
            due = max(due + self._interval_s, loop.time() - 1.0)
            number += 1
            try:
                await self._ask(session, number)
            except (ClientError, OSError, TimeoutError):
                self.failed += 1
                await asyncio.sleep(PAUSE_S)

    async def _ask(self, session: ClientSession, number: int) -> None:
        body = {
            "model": "tasks",
            "messages": [{"role": "user", "content": f"Create a task called inspect pump {number}"}],
            "tools": [_TOOL],
            "stream": number % 2 == 0,
        }
        async with session.post(self._url, json=body) as answer:
            content = await answer.read()
            done = content.endswith(b"data: [DONE]\n\n") if body["stream"] else content.endswith(b"}")
            if answer.status == 200 and done:
                self.whole.append(answer.headers["x-request-id"])
            else:
                self.failed += 1
