"""A client's request to a model: read once, never re-encoded."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from aftertune.headers import REQUEST_ID
from aftertune.values.exchange import Endpoint
from aftertune.values.route import Target
from serving.router.attribution import Attribution, usable_header
from serving.router.ids import new_id
from serving.router.refusal import Refused
from serving.router.rewrite import MODEL, Span, addressed, plain_model
from serving.wire.client import origin_of
from serving.wire.head import HOP, Headers, travelling
from serving.wire.request import Request

_KEPT_BACK: Final = HOP | {
    b"authorization",
    b"proxy-authorization",
    b"api-key",
    b"x-api-key",
    b"cookie",
    b"host",
    b"content-encoding",
    b"accept-encoding",
    b"content-type",
    b"expect",
    REQUEST_ID.encode(),
}
"""Request headers an engine never sees: credentials, those of the single hop, and the ones set anew."""
_OURS: Final = b"x-aftertune-"
_SET_ANEW: Final = f"accept-encoding: identity\r\ncontent-type: application/json\r\n{REQUEST_ID}: ".encode()
"""The body was read as JSON, so it travels as that, whatever the client called it."""
# A member of an enumeration costs a call each time it is named.
_CHAT: Final = Endpoint.CHAT
_RESPONSES: Final = Endpoint.RESPONSES
_DEEPEST: Final = 254
"""Objects and lists within each other, in a body: what the library that reads 1024 also writes."""

_REQUIRED: Final[Mapping[Endpoint, tuple[str, type | tuple[type, ...]]]] = {
    Endpoint.CHAT: ("messages", list),
    Endpoint.COMPLETIONS: ("prompt", (str, list)),
    Endpoint.RESPONSES: ("input", (str, list)),
    Endpoint.EMBEDDINGS: ("input", (str, list)),
}
_NO_HEADERS: Final[Mapping[bytes, bytes]] = {}
_STATEFUL: Final = ("previous_response_id", "conversation", "background", "prompt")
"""Fields by which a Responses request leans on what one engine remembers: a copy would meet another memory."""

_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class ModelRequest:
    """`body` is the client's, byte for byte. `headers` are the lines that travel on to an engine."""

    __slots__ = (
        "_attribution",
        "_fields",
        "_members",
        "_model",
        "_named",
        "body",
        "endpoint",
        "headers",
        "key",
        "model",
        "path",
        "request_id",
        "stateful",
        "stream",
    )

    def __init__(self, endpoint: Endpoint, http: Request, key: str, identity: str) -> None:
        """A request from the credential's holder `key`. Raises Refused (400)."""
        body = http.body
        fields = _parse(body, endpoint)
        self.endpoint = endpoint
        self.path = http.target
        self.body = body
        self.model: str = fields[MODEL]
        self.stream = fields.get("stream") is True
        self.stateful = endpoint is _RESPONSES and _leans_on_memory(fields)
        self.request_id = identity
        self.key = key
        self.headers = engine_headers(http.headers, identity)
        self._fields: Mapping[str, Any] | None = fields
        self._named: Mapping[bytes, bytes] = http.named
        self._attribution: Attribution | None = None
        self._model: Span | None = None
        self._members = b""

    @property
    def attribution(self) -> Attribution:
        """Worked out when it is first asked for: few requests wait for it."""
        known = self._attribution
        if known is None:
            assert self._fields is not None
            known = self._attribution = Attribution(self.endpoint, self._fields, self._named, self.key)
            self._fields = None
        return known

    def members(self, *, identified: bool) -> bytes:
        """What all records of this request say of it, as members of a header's JSON.

        `identified`: whether conversation, user and tenant are kept; the deployment has it, the same at each call.
        """
        if not self._members:
            members = {
                "request_id": self.request_id,
                "trace_id": _trace_id(self._named.get(b"traceparent")),
                "key": self.key,
                "stream": self.stream,
                **self.attribution.members(kept=identified),
            }
            self._members = orjson.dumps(members)[1:-1]
            self._named = _NO_HEADERS  # a copy may wait for long
        return self._members

    def bytes_for(self, target: Target, url: str) -> tuple[bytes, tuple[str, ...]]:
        """The request as the engine at `url` gets it, and the names of fields that were left out of it."""
        body, dropped = self.body_for(target)
        return to_engine(b"POST", url, self.path, self.headers, body), dropped

    def body_for(self, target: Target) -> tuple[bytes, tuple[str, ...]]:
        """The body alone. Only chat's fields are known by name; the other endpoints keep all of theirs."""
        if self._model is None:
            self._model = plain_model(self.body)
        if target.accepts is not None and self.endpoint is not _CHAT:
            target = target.model_copy(update={"accepts": None})
        return addressed(self.body, self._model, target)


def to_engine(method: bytes, url: str, path: bytes, headers: bytes, body: bytes) -> bytes:
    """A whole request. `headers` are lines; the host and the body's length are added."""
    origin = origin_of(url)
    return b"".join(
        (
            method,
            b" ",
            origin.prefix,
            path,
            b" HTTP/1.1\r\nhost: ",
            origin.name,
            b"\r\n",
            headers,
            b"content-length: %d\r\n\r\n" % len(body),
            body,
        )
    )


def request_id(header: bytes | None) -> str:
    """The client's request id when it is a usable one, else a new one."""
    return usable_header(header) or new_id()


def engine_headers(headers: Headers, identity: str) -> bytes:
    """What an engine is told of a client's headers, as lines."""
    return b"".join((travelling(headers, _KEPT_BACK, _OURS), _SET_ANEW, identity.encode(), b"\r\n"))


def _trace_id(traceparent: bytes | None) -> str | None:
    found = None if traceparent is None else _TRACEPARENT.fullmatch(traceparent)
    return None if found is None else found[1].decode()


def _parse(body: bytes, endpoint: Endpoint) -> dict[str, Any]:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, "invalid_json", f"The body is not JSON: {error}.") from None
    if not isinstance(fields, dict):
        raise Refused(400, "invalid_json", "The body is not a JSON object.")
    if body.count(b"{") + body.count(b"[") > _DEEPEST:
        _check_depth(fields)
    model = fields.get(MODEL)
    if not isinstance(model, str) or not model:
        raise _missing(MODEL, "must name a deployment")
    if (required := _REQUIRED.get(endpoint)) is not None and not isinstance(
        fields.get(required[0]), required[1]
    ):
        what = "must be a list" if required[1] is list else "must be a string or a list"
        if not (endpoint is _RESPONSES and fields.get("prompt")):
            raise _missing(required[0], what)
    return fields


def _check_depth(fields: dict[str, Any]) -> None:
    try:
        orjson.dumps(fields)
    except orjson.JSONEncodeError:
        raise Refused(
            400, "invalid_json", f"The body is nested too deeply: {_DEEPEST} levels are the most."
        ) from None


def _leans_on_memory(fields: Mapping[str, Any]) -> bool:
    if any(fields.get(name) for name in _STATEFUL):
        return True
    items = fields.get("input")
    return isinstance(items, list) and any(
        isinstance(item, dict) and item.get("type") == "item_reference" for item in items
    )


def _missing(field: str, what: str) -> Refused:
    return Refused(400, "missing_required_parameter", f"The field {field!r} {what}.", param=field)
