"""A client's chat request: read once, never re-encoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import uuid4

import orjson

from aftertune.headers import CONVERSATION, REQUEST_ID, TENANT, USER
from aftertune.values.exchange import Source
from aftertune.values.route import Target
from serving.router.members import members
from serving.router.refusal import Refused

MODEL = "model"
DEFAULT_TENANT = "default"
MAX_NAME = 256

_KEPT_BACK = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "api-key",
        "x-api-key",
        "cookie",
        "host",
        "content-length",
        "content-encoding",
        "accept-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
        REQUEST_ID,
    }
)
"""Request headers an engine never sees: credentials, those of the single hop, and the ones set anew."""
_OURS = "x-aftertune-"


@dataclass(frozen=True)
class Named:
    """A conversation, user or tenant, and where it was read."""

    value: str
    source: Source


@dataclass(frozen=True)
class ChatRequest:
    """`body` is the client's, byte for byte. `headers` are those that travel on to an engine."""

    body: bytes
    model: str
    stream: bool
    request_id: str
    key: str
    conversation: Named
    user: Named
    tenant: Named
    headers: Mapping[str, str]


@dataclass(frozen=True)
class EngineBody:
    """What one engine is sent, and the fields that were left out because it does not take them."""

    body: bytes
    dropped: tuple[str, ...]


def request_id(headers: Mapping[str, str]) -> str:
    """The client's request id when it is a usable one, else a new one."""
    return _usable(headers.get(REQUEST_ID)) or uuid4().hex


def read_request(body: bytes, headers: Mapping[str, str], key: str, identity: str) -> ChatRequest:
    """Check and read a chat request from the credential's holder `key`. Raises Refused (400)."""
    fields = _parse(body)
    metadata = fields.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    opening = sha256(f"{key}\0".encode() + orjson.dumps(_first_user_message(fields))).hexdigest()[:32]
    return ChatRequest(
        body=body,
        model=fields[MODEL],
        stream=fields.get("stream") is True,
        request_id=identity,
        key=key,
        conversation=_named(headers.get(CONVERSATION), metadata.get("conversation_id"), opening),
        user=_named(headers.get(USER), fields.get("user") or fields.get("safety_identifier"), key),
        tenant=_named(headers.get(TENANT), metadata.get("tenant"), DEFAULT_TENANT),
        headers=_travelling(headers),
    )


def engine_body(body: bytes, target: Target) -> EngineBody:
    """The body for one target: its served name as model, without the fields it does not take; else unchanged.

    `body` has passed `read_request`. Every top-level `model` is replaced, so that all parsers agree on the last.
    """
    served = orjson.dumps(target.served_name)
    if target.accepts is None:
        pieces: list[bytes] = []
        position = 0
        for member in members(body):
            if member.name == MODEL:
                pieces += (body[position : member.value], served)
                position = member.end
        return EngineBody(b"".join((*pieces, body[position:])), ())
    kept: list[bytes] = []
    dropped: dict[str, None] = {}
    for member in members(body):
        if member.name == MODEL:
            kept.append(body[member.start : member.value] + served)
        elif member.name in target.accepts:
            kept.append(body[member.start : member.end])
        else:
            dropped[member.name] = None
    return EngineBody(b"{" + b",".join(kept) + b"}", tuple(dropped))


def _parse(body: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, "invalid_json", f"The body is not JSON: {error}.") from None
    if not isinstance(fields, dict):
        raise Refused(400, "invalid_json", "The body is not a JSON object.")
    if not isinstance(fields.get(MODEL), str) or not fields[MODEL]:
        raise Refused(
            400, "missing_required_parameter", "The field 'model' must name a deployment.", param=MODEL
        )
    if not isinstance(fields.get("messages"), list):
        raise Refused(
            400, "missing_required_parameter", "The field 'messages' must be a list.", param="messages"
        )
    return fields


def _first_user_message(fields: Mapping[str, Any]) -> Any:
    messages = (m for m in fields["messages"] if isinstance(m, dict))
    return next((m.get("content") for m in messages if m.get("role") == "user"), None)


def _named(header: str | None, field: Any, fallback: str) -> Named:
    if value := _usable(header):
        return Named(value, Source.HEADER)
    if value := _usable(field):
        return Named(value, Source.BODY)
    return Named(fallback, Source.FALLBACK)


def _usable(name: Any) -> str:
    """The name when it is printable and of a sane length, else nothing: it goes into headers, logs and rows."""
    return name if isinstance(name, str) and 0 < len(name) <= MAX_NAME and name.isprintable() else ""


def _travelling(headers: Mapping[str, str]) -> dict[str, str]:
    """What an engine is told. The body was read as JSON, so it travels as that, whatever the client called it."""
    travelling = {
        name: value
        for name, value in ((name.lower(), value) for name, value in headers.items())
        if name not in _KEPT_BACK and not name.startswith(_OURS) and value.isprintable()
    }
    travelling["content-type"] = "application/json"
    return travelling
