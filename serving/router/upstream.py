"""The pooled client to engines, with a deadline for each phase of an answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import aiohttp

from aftertune.values.exchange import ExchangeError

_KEEP_ALIVE_S = 3.0
"""Below the 5 s after which uvicorn-based engines close an idle connection: a pooled one is never half dead."""

_HOP = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "date",
        "keep-alive",
        "server",
        "set-cookie",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-request-id",
    }
)
"""Answer headers that end at the router."""


_ONE_WRITE_BYTES = 1_000_000
"""Longer bodies are sent in pieces, so that other requests get their turn."""


class EngineFailure(Exception):
    """An engine gave no answer, or no whole one."""

    def __init__(self, error: ExchangeError, what: str) -> None:
        super().__init__(what)
        self.error = error
        self.what = what


@dataclass(frozen=True)
class Deadlines:
    """Seconds to connect, to an answer's first byte, between two pieces of it, and for the whole answer."""

    connect_s: float
    first_byte_s: float
    chunk_s: float
    total_s: float


class EngineAnswer:
    """An answer under way; `close` gives the connection back, or cuts it when the body was not read to its end."""

    def __init__(
        self, response: aiohttp.ClientResponse, first_byte_at: float, ends_at: float, chunk_s: float
    ) -> None:
        self._response = response
        self._next_at = first_byte_at
        self._ends_at = ends_at
        self._chunk_s = chunk_s
        self.status = response.status

    @property
    def is_event_stream(self) -> bool:
        return self._response.content_type == "text/event-stream"

    def headers(self) -> dict[str, str]:
        """Those that travel on to the client, names in lower case."""
        named = ((name.lower(), value) for name, value in self._response.headers.items())
        return {
            name: value for name, value in named if name not in _HOP and not name.startswith("x-aftertune-")
        }

    async def read(self) -> bytes:
        """What has arrived since the last read; empty at the end. Raises EngineFailure (timeout, truncated)."""
        now = asyncio.get_running_loop().time()
        deadline = min(max(self._next_at, now + self._chunk_s), self._ends_at)
        self._next_at = 0.0
        try:
            async with asyncio.timeout_at(deadline):
                return await self._response.content.readany()
        except TimeoutError:
            raise EngineFailure(
                ExchangeError.TIMEOUT, "The engine stopped in the middle of its answer."
            ) from None
        except aiohttp.ClientError:
            raise EngineFailure(ExchangeError.TRUNCATED, "The engine's answer broke off.") from None

    def close(self) -> None:
        self._response.close()


class Upstream:
    """One connection pool. The live lane and the mirror each have their own."""

    def __init__(self, deadlines: Deadlines) -> None:
        """Needs a running event loop."""
        self._deadlines = deadlines
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_S),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=deadlines.connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
            headers={"accept-encoding": "identity"},
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> EngineAnswer:
        """Send a chat request to the engine at `url`; returns when the head of its answer is there.

        Raises EngineFailure (unreachable, timeout, engine error).
        """
        now = asyncio.get_running_loop().time()
        first_byte_at = now + self._deadlines.first_byte_s
        ends_at = now + self._deadlines.total_s
        data = body if len(body) <= _ONE_WRITE_BYTES else BytesIO(body)
        try:
            async with asyncio.timeout_at(min(first_byte_at, ends_at)):
                response = await self._session.post(
                    f"{url}/v1/chat/completions", data=data, headers=headers, allow_redirects=False
                )
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError):
            raise EngineFailure(ExchangeError.UNREACHABLE, "The engine cannot be reached.") from None
        except TimeoutError:
            raise EngineFailure(ExchangeError.TIMEOUT, "The engine did not answer in time.") from None
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            raise EngineFailure(
                ExchangeError.UNREACHABLE, "The engine closed the connection without an answer."
            ) from None
        except (aiohttp.ClientError, ValueError):
            raise EngineFailure(ExchangeError.ENGINE_ERROR, "The engine's answer is not HTTP.") from None
        return EngineAnswer(response, first_byte_at, ends_at, self._deadlines.chunk_s)

    async def close(self) -> None:
        await self._session.close()
