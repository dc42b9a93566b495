"""The same chat requests through three HTTP clients: what the harness's adapter was chosen by.

`python -m benchmarks.harness.clients NAME URL REQUESTS CONCURRENCY` prints microseconds of CPU a request.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import httpx
import openai

from aftertune.clock import SystemClock
from aftertune.values.release import EngineKind
from evals.engine.http_engine import Address, HttpEngine, session

BODY: dict[str, Any] = {
    "model": "v1",
    "messages": [{"role": "user", "content": "What is 2 + 2?"}],
    "max_tokens": 8,
}
TIMEOUT_S = 60.0

Ask = Callable[[], Awaitable[object]]


@asynccontextmanager
async def _openai(url: str) -> AsyncIterator[Ask]:
    async with openai.AsyncOpenAI(
        base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=TIMEOUT_S
    ) as client:
        yield lambda: client.chat.completions.create(**BODY)


@asynccontextmanager
async def _httpx(url: str) -> AsyncIterator[Ask]:
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=TIMEOUT_S) as client:

        async def ask() -> object:
            return (await client.post(f"{url}/v1/chat/completions", json=BODY)).json()

        yield ask


@asynccontextmanager
async def _aiohttp(url: str) -> AsyncIterator[Ask]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:

        async def ask() -> object:
            async with client.post(f"{url}/v1/chat/completions", json=BODY) as response:
                return await response.json()

        yield ask


@asynccontextmanager
async def _ours(url: str) -> AsyncIterator[Ask]:
    async with session(TIMEOUT_S) as client:
        engine = HttpEngine(client, Address(url, "v1", EngineKind.EXTERNAL), SystemClock())
        yield lambda: engine.chat(BODY["messages"], settings={"max_tokens": 8})


CLIENTS = {"openai": _openai, "httpx": _httpx, "aiohttp": _aiohttp, "our adapter on aiohttp": _ours}


async def cost(name: str, url: str, requests: int, concurrency: int) -> float:
    """Seconds of CPU a request, connections opened before."""
    async with CLIENTS[name](url) as ask:
        places = asyncio.Semaphore(concurrency)

        async def one() -> None:
            async with places:
                await ask()

        await asyncio.gather(*(one() for _ in range(concurrency)))
        began = time.process_time()
        await asyncio.gather(*(one() for _ in range(requests)))
        return (time.process_time() - began) / requests


if __name__ == "__main__":
    seconds = asyncio.run(cost(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
    print(seconds * 1e6)
