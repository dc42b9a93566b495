"""The live lane: one engine's answer to one client, recorded before its last byte leaves."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from aftertune.headers import REQUEST_ID
from aftertune.values.exchange import ExchangeError
from serving.router.answer import EventStream, Renaming, is_done
from serving.router.leg import Leg
from serving.router.mirror import Copy, Mirror
from serving.router.refusal import error_body, retry_headers
from serving.router.request import ChatRequest
from serving.router.upstream import EngineAnswer, EngineFailure, Upstream

_STATUS = {
    ExchangeError.UNREACHABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ExchangeError.TIMEOUT: HTTPStatus.GATEWAY_TIMEOUT,
    ExchangeError.TRUNCATED: HTTPStatus.BAD_GATEWAY,
    ExchangeError.ENGINE_ERROR: HTTPStatus.BAD_GATEWAY,
}


@dataclass(frozen=True)
class Relay:
    """All that one exchange needs. `headers` go on every answer; `copy` is offered when the live leg has ended."""

    http: web.Request
    request: ChatRequest
    leg: Leg
    renaming: Renaming
    headers: dict[str, str]
    copy: Copy | None
    mirror: Mirror

    async def run(self, upstream: Upstream, url: str, body: bytes) -> web.StreamResponse:
        """Ask the engine and answer the client. A client that leaves cancels this, and with it the engine's work."""
        sent = {**self.request.headers, REQUEST_ID: self.request.request_id}
        try:
            answer = await upstream.post(url, body, sent)
            try:
                self.leg.answered(answer.status)
                return await (self._events(answer) if answer.is_event_stream else self._whole(answer))
            finally:
                answer.close()
        except EngineFailure as failure:
            self._end(failure.error)
            status = _STATUS[failure.error]
            return web.Response(
                status=status,
                body=error_body(status, failure.error, failure.what),
                headers={"content-type": "application/json", **retry_headers(status), **self.headers},
            )
        except (asyncio.CancelledError, ConnectionError):
            transport = self.http.transport
            left = transport is None or transport.is_closing()
            # The other reason for a cancellation is a router that stops and has waited long enough.
            self.leg.close(ExchangeError.CLIENT_LEFT if left else ExchangeError.TRUNCATED, None)
            raise

    async def _whole(self, answer: EngineAnswer) -> web.Response:
        pieces: list[bytes] = []
        while piece := await answer.read():
            self.leg.receive(piece)
            pieces.append(piece)
        self._end(None)
        return web.Response(
            status=answer.status,
            body=self.renaming.body(b"".join(pieces)),
            headers={**answer.headers(), **self.headers},
        )

    async def _events(self, answer: EngineAnswer) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers={**answer.headers(), **self.headers})
        await response.prepare(self.http)
        stream = EventStream()
        try:
            while piece := await answer.read():
                self.leg.receive(piece)
                await self._write(response, stream.feed(piece))
        except EngineFailure as failure:
            if not self.leg.closed:
                self._end(failure.error)
                status = _STATUS[failure.error]
                await response.write(b"data: " + error_body(status, failure.error, failure.what) + b"\n\n")
        else:
            self._end(None)
            await self._write(response, [rest] if (rest := stream.rest()) else [])
        await response.write_eof()
        return response

    async def _write(self, response: web.StreamResponse, events: list[bytes]) -> None:
        """Pass whole events on, in one write; the record comes before the event that says it is the last."""
        if any(is_done(event) for event in events):
            self._end(None)
        if events:
            await response.write(b"".join(self.renaming.event(event) for event in events))

    def _end(self, error: ExchangeError | None) -> None:
        """Offer the copy, then write the record, which says whether there is one."""
        if self.leg.closed:
            return
        copied = self.copy if self.copy is not None and self.mirror.offer(self.copy) else None
        self.leg.close(error, copied.pair_id if copied else None)
