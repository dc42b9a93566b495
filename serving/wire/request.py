"""A request as it was read, and what is wrong with it."""

from dataclasses import dataclass
from typing import Final

from serving.wire.head import Headers

_VERSIONS: Final = frozenset({"1.1", "1.0"})
_MAX_HEADERS: Final = 100
_TARGET_BYTES: Final = 4096


@dataclass(frozen=True)
class Bounds:
    """What one connection may take: bytes and seconds."""

    head_bytes: int
    body_bytes: int
    head_s: float
    body_s: float
    idle_s: float


class Request:
    """One whole request. Header names are in lower case; `path` has no query; of a repeated header `named` has the last.

    `length` is the body's, as it was announced; 0 when it was not.
    """

    __slots__ = (
        "body",
        "headers",
        "keep_alive",
        "length",
        "method",
        "named",
        "path",
        "query",
        "target",
        "version",
    )

    def __init__(self, method: bytes, target: bytes, headers: Headers, version: str) -> None:
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition(b"?")
        self.headers = headers
        self.named = dict(headers)
        self.length = int(self.named.get(b"content-length", b"0"))
        self.version = version
        self.body = b""
        self.keep_alive = version == "1.1"


class Objection(Exception):
    """Why a request is not read to its end: `code` is for programs."""

    def __init__(self, status: int, code: str, what: str) -> None:
        super().__init__(what)
        self.status = status
        self.code = code
        self.what = what


def check(request: Request, bounds: Bounds, head_bytes: int) -> None:
    """Refuse what two programs might read differently, and what is too large; the body is not there yet.

    `head_bytes` is at least what was read of the head. Raises Objection.
    """
    if request.version not in _VERSIONS:
        raise Objection(505, "version_not_supported", "This server speaks HTTP/1.1.")
    _check_size(request, bounds, head_bytes)
    encoding = request.named.get(b"transfer-encoding")
    if encoding is not None and encoding.lower() != b"chunked":
        raise Objection(501, "transfer_encoding_not_supported", "Send the body as it is, or chunked.")
    if b"host" not in request.named:
        if request.version == "1.1":
            raise Objection(400, "malformed_request", "The request must name its host.")
    elif len(request.named) < len(request.headers) and sum(n == b"host" for n, _ in request.headers) > 1:
        raise Objection(400, "malformed_request", "The request must name one host.")
    expected = request.named.get(b"expect")
    if expected is not None and expected.lower() != b"100-continue":
        raise Objection(417, "expectation_failed", "The request expects what nobody does.")


def too_large(bounds: Bounds) -> Objection:
    return Objection(413, "request_too_large", f"The body is larger than {bounds.body_bytes} bytes.")


def _check_size(request: Request, bounds: Bounds, head_bytes: int) -> None:
    if len(request.headers) > _MAX_HEADERS or (
        head_bytes > bounds.head_bytes
        and sum(len(name) + len(value) for name, value in request.headers) > bounds.head_bytes
    ):
        raise Objection(431, "head_too_large", "The request has too many headers.")
    if len(request.path) + len(request.query) > _TARGET_BYTES:
        raise Objection(414, "target_too_long", "The request's URL is too long.")
    if request.length > bounds.body_bytes:
        raise too_large(bounds)
