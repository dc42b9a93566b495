"""A spool folder as a router leaves it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from aftertune.spool import Kind, encode, open_name, sealed_name, segment_header
from aftertune.values.exchange import ExchangeHeader, ExchangeRole
from aftertune.values.gap import Gap
from tests.aftertune.samples import AT
from tests.monitor.wire import completion, header, request

SALT = b"\x00salted\xff"
HEADER = segment_header(SALT, AT.timestamp())


class Masking:
    """A redaction that knows one secret."""

    def redact(self, body: bytes) -> bytes:
        return body.replace(b"anna", b"[name]")


class Leg(NamedTuple):
    header: ExchangeHeader
    request: bytes
    answer: bytes

    def record(self) -> bytes:
        return encode(SALT, self.header.model_dump_json().encode(), self.request, self.answer)


def gap_record(gap: Gap) -> bytes:
    return encode(SALT, gap.model_dump_json().encode(), b"", b"", Kind.GAP)


def legs(index: int, *, candidate: str = "hello", shadows: Sequence[str] = ("v2",)) -> tuple[Leg, ...]:
    """The live leg and the shadow copies of one mirrored request; the first copy is `copy<index>`."""
    common = {"request_id": f"q{index}", "pair_id": f"q{index}", "conversation": f"c{index}"}
    live = header(f"live{index}", index, **common)
    asked = request(f"question {index}")
    copies = [
        header(
            f"copy{index}" if number == 0 else f"copy{index}-{release}",
            index,
            role=ExchangeRole.SHADOW,
            release=release,
            **common,
        )
        for number, release in enumerate(shadows)
    ]
    answered = [Leg(copy, asked, completion(candidate)) for copy in copies]
    return (Leg(live, asked, completion("hello")), *answered)


def many(n: int) -> list[Leg]:
    return [leg for index in range(n) for leg in legs(index)]


def write(folder: Path, *segments: Sequence[Leg], torn: bytes = b"") -> Iterator[Path]:
    """Write the segments, oldest first, the last one open with `torn` at its end; yields their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        path = folder / (open_name(number) if last else sealed_name(number))
        path.write_bytes(HEADER + b"".join(leg.record() for leg in segment) + (torn if last else b""))
        yield path
