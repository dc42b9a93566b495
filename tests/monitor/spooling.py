"""A spool folder as a router leaves it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from aftertune.spool import MAGIC, encode, segment_name
from aftertune.values.exchange import ExchangeHeader, ExchangeRole
from tests.monitor.wire import completion, header, request


class Leg(NamedTuple):
    header: ExchangeHeader
    request: bytes
    answer: bytes

    def record(self) -> bytes:
        return encode(self.header.model_dump_json().encode(), self.request, self.answer)


def legs(index: int, *, candidate: str = "hello") -> tuple[Leg, Leg]:
    """The live leg and the shadow copy of one mirrored request."""
    common = {"request_id": f"q{index}", "pair_id": f"q{index}", "conversation": f"c{index}"}
    live = header(f"live{index}", index, **common)
    copy = header(f"copy{index}", index, role=ExchangeRole.SHADOW, release="v2", **common)
    asked = request(f"question {index}")
    return Leg(live, asked, completion("hello")), Leg(copy, asked, completion(candidate))


def many(n: int) -> list[Leg]:
    return [leg for index in range(n) for leg in legs(index)]


def write(folder: Path, *segments: Sequence[Leg], torn: bytes = b"") -> Iterator[Path]:
    """Write the segments, oldest first, `torn` at the end of the last; yields their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for index, segment in enumerate(segments):
        path = folder / segment_name(number)
        tail = torn if index == len(segments) - 1 else b""
        path.write_bytes(MAGIC + b"".join(leg.record() for leg in segment) + tail)
        number += len(segment)
        yield path
