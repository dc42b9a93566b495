"""Exchanges that did not pass our router: one line of a log, and the record that it becomes.

A line's identity is its `id` where it has one, else its content and time: whichever file it comes in, it is stored once.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple, Self

import orjson
from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from aftertune.capture import keeps_identity, keeps_payload
from aftertune.values.exchange import (
    CapturePolicy,
    Endpoint,
    ExchangeError,
    ExchangeHeader,
    ExchangeRole,
    Source,
)
from aftertune.values.value import Value

ROUTER = "outside"
"""Names the spool folder and stands in each exchange as its router."""

LONGEST_LINE = 900_000
"""Bytes: a line must fit into one request to the console."""

DEFAULT_TENANT = "default"

Name = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]

_GENERATIVE = frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.RESPONSES})
_ENDPOINT_OF = {"messages": Endpoint.CHAT, "prompt": Endpoint.COMPLETIONS, "input": Endpoint.RESPONSES}


class OutsideExchange(Value):
    """One request and its answer: the JSON body, or the list of a stream's chunks."""

    request: dict[str, Any]
    response: dict[str, Any] | list[dict[str, Any]]
    endpoint: Endpoint | None = Field(default=None, description="None: told from the request")
    id: Name | None = None
    at: AwareDatetime | None = Field(
        default=None, description="when the request arrived; None: when the answer says that it was created"
    )
    latency_s: float | None = Field(default=None, ge=0, le=86_400)
    status: int = Field(default=200, ge=100, le=599)
    deployment: Name | None = None
    release: Name | None = None
    conversation: Name | None = None
    user: Name | None = None
    tenant: Name | None = None

    @model_validator(mode="after")
    def _can_be_stored(self) -> Self:
        if self.asked_at not in _GENERATIVE:
            raise ValueError(
                f"the endpoint is not one of {', '.join(sorted(_GENERATIVE))}"
                if self.endpoint
                else f"the request has none of {', '.join(_ENDPOINT_OF)}: name its endpoint"
            )
        try:
            self.bodies()
        except TypeError as error:
            raise ValueError(f"it cannot be written as JSON: {error}") from None
        return self

    @property
    def asked_at(self) -> Endpoint | None:
        """The endpoint that is named, or the one that takes such a request."""
        return self.endpoint or next(
            (endpoint for name, endpoint in _ENDPOINT_OF.items() if name in self.request), None
        )

    def arrived(self, now: datetime) -> datetime:
        """`now` where neither the line nor its answer tells."""
        if self.at is not None:
            return self.at
        answer = self.response if isinstance(self.response, dict) else next(iter(self.response), {})
        created = answer.get("created", answer.get("created_at"))
        if isinstance(created, int | float) and 0 < created <= now.timestamp():
            return datetime.fromtimestamp(created, UTC)
        return now

    def bodies(self) -> tuple[bytes, bytes]:
        """Request and answer as they would have crossed the wire."""
        if isinstance(self.response, dict):
            return orjson.dumps(self.request), orjson.dumps(self.response)
        events = (_event(chunk, typed=self.asked_at is Endpoint.RESPONSES) for chunk in self.response)
        end = b"" if self.asked_at is Endpoint.RESPONSES else b"data: [DONE]\n\n"
        return orjson.dumps(self.request), b"".join((*events, end))


class Placed(NamedTuple):
    """Where a line belongs: names that are registered, and what may be kept of it there."""

    deployment: str
    release: str
    capture: CapturePolicy


class Record(NamedTuple):
    header: ExchangeHeader
    request: bytes
    answer: bytes


def exchange_id(line: OutsideExchange, placed: Placed) -> str:
    """The same for the same line, in whatever file."""
    request, answer = line.bodies()
    at = line.at.astimezone(UTC).isoformat() if line.at else ""
    said = (line.id,) if line.id else ("", at, placed.release, request, answer)
    parts: tuple[str | bytes, ...] = (placed.deployment, *said)
    digest = hashlib.sha256()
    for part in parts:
        raw = part if isinstance(part, bytes) else part.encode()
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return f"{ROUTER}-{digest.hexdigest()[:32]}"


def record(line: OutsideExchange, placed: Placed, holder: str, now: datetime) -> Record:
    """What the router would have written. Without capture of payloads it has none; without any, no names either."""
    request, answer = line.bodies()
    unique = exchange_id(line, placed)
    named = keeps_identity(placed.capture)
    arrival = line.arrived(now)
    ended = arrival + timedelta(seconds=line.latency_s or 0.0)
    header = ExchangeHeader(
        exchange_id=unique,
        request_id=line.id or unique,
        pair_id=None,
        endpoint=line.asked_at or Endpoint.CHAT,
        deployment=placed.deployment,
        release=placed.release,
        generation=0,
        role=ExchangeRole.STABLE,
        **_who(line, unique) if named else _NOBODY,
        key=holder,
        router=ROUTER,
        arrival=arrival,
        first_byte=None,
        last_byte=ended if line.latency_s is not None else None,
        ended=ended,
        stream=isinstance(line.response, list),
        status=line.status,
        error=ExchangeError.ENGINE_ERROR if line.status >= 500 else None,
        capture=placed.capture,
    )
    if not keeps_payload(placed.capture):
        return Record(header, b"", b"")
    return Record(header, request, answer)


_NOBODY: Mapping[str, Any] = {
    "conversation": "",
    "conversation_source": Source.FALLBACK,
    "end_user": "",
    "end_user_source": Source.FALLBACK,
    "tenant": "",
    "tenant_source": Source.FALLBACK,
}


def _who(line: OutsideExchange, unique: str) -> Mapping[str, Any]:
    in_body = line.request.get("user")
    user = line.user or (in_body if isinstance(in_body, str) and in_body.isprintable() else "")[:256]
    return {
        "conversation": line.conversation or unique,
        "conversation_source": Source.HEADER if line.conversation else Source.FALLBACK,
        "end_user": user,
        "end_user_source": Source.BODY if user else Source.FALLBACK,
        "tenant": line.tenant or DEFAULT_TENANT,
        "tenant_source": Source.HEADER if line.tenant else Source.FALLBACK,
    }


def _event(chunk: Mapping[str, Any], *, typed: bool) -> bytes:
    kind = chunk.get("type")
    name = (
        b"event: " + kind.encode() + b"\n" if typed and isinstance(kind, str) and kind.isprintable() else b""
    )
    return name + b"data: " + orjson.dumps(chunk) + b"\n\n"
