"""One logged request and answer. The schema is frozen: `tests/contracts/exchange.schema.json` is its golden copy."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from aftertune.values.value import Value

SCHEMA_VERSION: Literal[1] = 1


class ExchangeRole(StrEnum):
    """Which part the release played: its answer went to a user (stable, canary), nowhere (shadow) or to us (probe)."""

    STABLE = "stable"
    CANARY = "canary"
    SHADOW = "shadow"
    PROBE = "probe"


class Endpoint(StrEnum):
    """The OpenAI (and vLLM) endpoints that the router serves, by their paths."""

    CHAT = "/v1/chat/completions"
    COMPLETIONS = "/v1/completions"
    RESPONSES = "/v1/responses"
    EMBEDDINGS = "/v1/embeddings"
    TOKENIZE = "/tokenize"
    DETOKENIZE = "/detokenize"


class CapturePolicy(StrEnum):
    """What of the payload may be stored.

    none: not even who asked: conversation, end user and tenant are left blank too. metadata: everything but the
    payload. redacted: the payload without what identifies people. full: the payload as it was.
    """

    NONE = "none"
    METADATA = "metadata"
    REDACTED = "redacted"
    FULL = "full"


class Source(StrEnum):
    """Where a conversation, user or tenant was read from; `fallback` means that the client named none."""

    HEADER = "header"
    BODY = "body"
    FALLBACK = "fallback"


class ExchangeError(StrEnum):
    """Why an exchange has no complete answer."""

    UNREACHABLE = "engine_unreachable"
    TIMEOUT = "engine_timeout"
    TRUNCATED = "answer_truncated"
    CLIENT_LEFT = "client_left"
    ENGINE_ERROR = "engine_error"


class ExchangeHeader(Value):
    """What the router knows when an answer ends; it is written to the spool beside the raw bytes."""

    schema_version: Literal[1] = SCHEMA_VERSION
    exchange_id: str = Field(description="unique for each leg")
    request_id: str = Field(description="the client's request; both legs of a pair carry the same one")
    pair_id: str | None = Field(description="set on both legs when the request was mirrored")
    endpoint: Endpoint = Endpoint.CHAT
    trace_id: str | None = Field(default=None, description="of the W3C trace that the request belongs to")
    deployment: str
    release: str
    generation: int = Field(ge=0)
    role: ExchangeRole
    conversation: str
    conversation_source: Source
    end_user: str
    end_user_source: Source
    tenant: str = Field(description="tenant or plant")
    tenant_source: Source
    key: str = Field(description="name of the credential's holder, never the credential")
    router: str
    arrival: datetime
    first_byte: datetime | None
    last_byte: datetime | None
    ended: datetime = Field(description="when the leg ended: complete, failed, or the client left")
    stream: bool
    status: int = Field(ge=0, description="HTTP status of the engine's answer; 0 when there was none")
    error: ExchangeError | None
    capture: CapturePolicy


class Usage(Value):
    """Token counts as the engine reported them."""

    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class ToolCall(Value):
    """A tool call as answered; `arguments` is the raw text, which need not be JSON."""

    name: str
    arguments: str


class Exchange(ExchangeHeader):
    """The header and what ingest read from the answer."""

    finish: str | None
    usage: Usage | None
    tool_calls: tuple[ToolCall, ...]
