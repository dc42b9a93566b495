"""A request's body as an engine gets it: another model's name spliced in, and fields that it does not take left out."""

import re
from typing import Final, NamedTuple

import orjson

from aftertune.values.route import Target
from serving.router.members import members

MODEL: Final = "model"

_PLAIN: Final = re.compile(rb'"model"[ \t\r\n]*:[ \t\r\n]*("[^"\\]*")')


class Span(NamedTuple):
    """Where a value stands; `NOWHERE` when it takes a closer look."""

    start: int
    end: int


NOWHERE: Final = Span(0, 0)


def plain_model(body: bytes) -> Span:
    """Where the model's name stands, found without reading the rest, in a body that has a top-level `model` text.

    If no key is written with escapes, and the word stands in quotation marks but once, then that one is it.
    """
    if b"\\u" not in body and body.count(b'"model"') == 1 and (found := _PLAIN.search(body)) is not None:
        return Span(*found.span(1))
    return NOWHERE


def addressed(body: bytes, model: Span, target: Target) -> tuple[bytes, tuple[str, ...]]:
    """The body for one target, with its served name as model, and the names of the fields that were left out.

    `model` comes from `plain_model`. Every top-level `model` is replaced, so that all parsers agree on the last.
    """
    served = orjson.dumps(target.served_name)
    if target.accepts is not None:
        return _kept(body, target.accepts, served)
    if model is NOWHERE:
        return _renamed(body, served), ()
    return b"".join((body[: model.start], served, body[model.end :])), ()


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
