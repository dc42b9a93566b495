"""A request's body as an engine gets it: another model's name spliced in, and fields that it does not take left out."""

from functools import lru_cache
from typing import Final

import orjson

from aftertune.values.route import Target
from serving.router.members import members

MODEL: Final = "model"

_KEY: Final = b'"model"'

Span = tuple[int, int]
"""Where a value begins and ends; `NOWHERE` when it takes a closer look."""
NOWHERE: Final[Span] = (0, 0)

_as_json = lru_cache(maxsize=256)(orjson.dumps)


def plain_model(body: bytes) -> Span:
    """Where the model's name stands, found without reading the rest, in a body that has a top-level `model` text.

    If no key is written with escapes, and the word stands in quotation marks but once, then that one is it.
    """
    key = body.find(_KEY)
    if b"\\u" in body or key < 0 or body.find(_KEY, key + 1) >= 0:
        return NOWHERE
    start = body.find(b'"', key + len(_KEY))
    end = body.find(b'"', start + 1) + 1
    if start < 0 or body[key + len(_KEY) : start].strip() != b":" or b"\\" in body[start:end]:
        return NOWHERE
    return start, end


def addressed(body: bytes, model: Span, target: Target) -> tuple[bytes, tuple[str, ...]]:
    """The body for one target, with its served name as model, and the names of the fields that were left out.

    `model` comes from `plain_model`. Every top-level `model` is replaced, so that all parsers agree on the last.
    """
    served = _as_json(target.served_name)
    if target.accepts is not None:
        return _kept(body, target.accepts, served)
    start, end = model
    if not end:
        return _renamed(body, served), ()
    return b"".join((body[:start], served, body[end:])), ()


def _renamed(body: bytes, served: bytes) -> bytes:
    pieces: list[bytes] = []
    position = 0
    for member in members(body):
        if member.name == MODEL:
            pieces += (body[position : member.value], served)
            position = member.end
    return b"".join((*pieces, body[position:]))


def _kept(body: bytes, accepts: tuple[str, ...], served: bytes) -> tuple[bytes, tuple[str, ...]]:
    kept: list[bytes] = []
    dropped: dict[str, None] = {}
    for member in members(body):
        if member.name == MODEL:
            kept.append(body[member.start : member.value] + served)
        elif member.name in accepts:
            kept.append(body[member.start : member.end])
        else:
            dropped[member.name] = None
    return b"{" + b",".join(kept) + b"}", tuple(dropped)
