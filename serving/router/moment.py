"""Moments as records have them: ISO 8601 in UTC, to the microsecond."""

from time import gmtime, strftime, time_ns
from typing import Final

_DIGITS: Final = [b"%03d" % number for number in range(1000)]


class _Second:
    """The second that was written last: nearly all moments of a busy process fall into it."""

    __slots__ = ("at", "text")

    def __init__(self) -> None:
        self.at = -1
        self.text = b""


_last: Final = _Second()


def now_us() -> int:
    """Unix time in microseconds."""
    return time_ns() // 1000


def moment(at_us: int) -> bytes:
    """Unix time in microseconds as ASCII: `2026-11-21T14:48:31.000250+00:00`."""
    second = at_us // 1_000_000
    if second != _last.at:
        _last.at = second
        _last.text = strftime("%Y-%m-%dT%H:%M:%S.", gmtime(second)).encode()
    micros = at_us - second * 1_000_000
    return b"".join((_last.text, _DIGITS[micros // 1000], _DIGITS[micros % 1000], b"+00:00"))
