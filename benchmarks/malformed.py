"""Requests that are nearly right: seeded mutations of the bytes, lines, framing and JSON of good ones."""

import json
from collections.abc import Callable
from random import Random

from benchmarks.routed import DEPLOYMENT, KEY

_MESSAGES = [{"role": "user", "content": "hello"}]
_BODIES: tuple[tuple[str, dict[str, object]], ...] = (
    ("/v1/chat/completions", {"messages": _MESSAGES}),
    (
        "/v1/chat/completions",
        {"messages": _MESSAGES, "stream": True, "stream_options": {"include_usage": True}},
    ),
    ("/v1/completions", {"prompt": "hello", "max_tokens": 5}),
    ("/v1/responses", {"input": "hello", "stream": True}),
    ("/v1/embeddings", {"input": ["a", "b"]}),
    ("/tokenize", {"prompt": "hello"}),
    ("/detokenize", {"tokens": [1, 2, 3]}),
)
_GETS = ("/healthz", "/v1/models", f"/v1/models/{DEPLOYMENT}", "/v1/responses/resp_1", "/nothing", "*", "")
_NASTY = (
    *(b"\x00", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b"\x0b", b"\xff", b"\x80", b":", b",", b";"),
    *(b"chunked", b"identity", b"0", b"-1", b"+1", b"0x10", b"99999999999999999999", b"\xed\xa0\x80", b"%00"),
    *(
        b"HTTP/1.0",
        b"HTTP/2",
        b"{",
        b"}",
        b"[",
        b'"',
        b"\\u0000",
        b"\\ud800",
        b"1e999",
        b"NaN",
        b"\xef\xbb\xbf",
    ),
)
_LINES = (
    *(b"content-length: 5", b"content-length: -5", b"Content-Length: 0", b"content-length: 1, 1"),
    *(b"transfer-encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"transfer-encoding : chunked"),
    *(b"transfer-encoding: identity", b" folded", b"\tfolded", b"no colon", b": no name", b"host: other"),
    *(b"expect: 100-continue", b"expect: something", b"connection: close", b"connection: upgrade"),
    *(b"upgrade: h2c", b"authorization: Bearer at_wrong", b"x-request-id: " + b"r" * 300),
    *(b"traceparent: 00-zz-zz-01", b"x-aftertune-conversation: \xff\xfe", b"content-encoding: gzip"),
    *(b"x-long: " + b"x" * 40_000, b"te: trailers", b"range: bytes=0-1", b"x-aftertune-deployment: nothing"),
)
_JSON: tuple[object, ...] = (
    *(None, True, 0, -1, 1e308, 10**40, "", "x" * 5_000, [], {}, [[]], {"a": {"b": []}}),
    *("\x00", "\ud800", DEPLOYMENT, "nothing", "../../etc/passwd", "a\r\nb: c"),
)


def malformed(random: Random) -> bytes:
    """One case: a good request, or two in a row, put through up to four mutations."""
    raw = _good(random)
    if random.random() < 0.15:
        raw += _good(random)
    for _ in range(random.choice((0, 1, 1, 2, 3, 4))):
        raw = random.choice(_MUTATIONS)(raw, random)
    return raw


def _good(random: Random) -> bytes:
    if random.random() < 0.15:
        return _with_head("GET", random.choice(_GETS), (), b"")
    path, fields = random.choice(_BODIES)
    body = _encoded({"model": DEPLOYMENT, **fields}, random)
    if random.random() < 0.25:
        return _with_head("POST", path, (b"transfer-encoding: chunked",), _chunks(body, random))
    return _with_head("POST", path, (b"content-length: %d" % len(body),), body)


def _with_head(method: str, path: str, lines: tuple[bytes, ...], body: bytes) -> bytes:
    usual = (b"host: router", b"authorization: Bearer " + KEY.encode(), b"content-type: application/json")
    return b"\r\n".join((f"{method} {path} HTTP/1.1".encode(), *usual, *lines, b"", body))


def _encoded(fields: dict[str, object], random: Random) -> bytes:
    """JSON, a third of it with a value exchanged, a field added, or nested deeply."""
    kind = random.random()
    if kind < 0.1:
        fields = {**fields, random.choice(list(fields)): random.choice(_JSON)}
    elif kind < 0.2:
        fields = {
            **fields,
            random.choice(("x", "model ", "stream", "user", "metadata")): random.choice(_JSON),
        }
    raw = json.dumps(fields).encode()
    if kind > 0.9:
        depth = random.choice((10, 1_000, 100_000))
        return raw[:-1] + b', "x": ' + b"[" * depth + b"]" * random.choice((depth, 0)) + b"}"
    return raw


def _chunks(body: bytes, random: Random) -> bytes:
    pieces, at = b"", 0
    while at < len(body):
        size = random.choice((1, 7, 64, 4_096))
        piece = body[at : at + size]
        pieces += random.choice((b"%x\r\n%s\r\n", b"%X;a=b\r\n%s\r\n")) % (len(piece), piece)
        at += size
    return pieces + random.choice((b"0\r\n\r\n", b"0\r\nx-trailer: 1\r\n\r\n", b"00\r\n\r\n"))


def _flip(raw: bytes, random: Random) -> bytes:
    at = random.randrange(len(raw) + 1)
    return raw[:at] + bytes((random.randrange(256),)) + raw[at + 1 :]


def _insert(raw: bytes, random: Random) -> bytes:
    at = random.randrange(len(raw) + 1)
    return raw[:at] + random.choice(_NASTY) + raw[at:]


def _cut(raw: bytes, random: Random) -> bytes:
    return raw[: random.randrange(len(raw) + 1)]


def _remove(raw: bytes, random: Random) -> bytes:
    at = random.randrange(len(raw) + 1)
    return raw[:at] + raw[at + random.choice((1, 2, 10, 100)) :]


def _repeat(raw: bytes, random: Random) -> bytes:
    at = random.randrange(len(raw) + 1)
    piece = raw[at : at + random.choice((1, 10, 50))]
    return raw[:at] + piece * random.choice((2, 3, 500)) + raw[at:]


def _add_line(raw: bytes, random: Random) -> bytes:
    lines = raw.split(b"\r\n")
    lines.insert(random.randrange(1, min(len(lines), 6) + 1), random.choice(_LINES))
    return b"\r\n".join(lines)


def _swap_lines(raw: bytes, random: Random) -> bytes:
    lines = raw.split(b"\r\n")
    one, other = (random.randrange(len(lines)) for _ in range(2))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\r\n".join(lines)


def _end_lines_otherwise(raw: bytes, random: Random) -> bytes:
    return raw.replace(b"\r\n", random.choice((b"\n", b"\r", b"\r\r\n", b"\n\r")), random.choice((1, 3, -1)))


def _many_lines(raw: bytes, random: Random) -> bytes:
    head, _, rest = raw.partition(b"\r\n")
    return head + b"\r\n" + b"a: b\r\n" * random.choice((100, 2_000)) + rest


_MUTATIONS: tuple[Callable[[bytes, Random], bytes], ...] = (
    *(_flip, _flip, _insert, _insert, _cut, _remove, _repeat),
    *(_add_line, _add_line, _swap_lines, _end_lines_otherwise, _many_lines),
)
