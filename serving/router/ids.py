"""Ids of 32 hexadecimal digits: two of one process differ by a number, those of two processes by their beginning.

They are unique, not secret: nothing is granted to who knows one.
"""

from typing import Final
from uuid import uuid4

_LAST_DIGITS: Final = [f"{number:03x}" for number in range(0x1000)]


class _Ids:
    """The number's last three digits come from a list: to write all twelve costs more than the rest of an id."""

    __slots__ = ("_beginning", "_block", "_prefix", "_rest")

    def __init__(self) -> None:
        self._beginning = uuid4().hex[:20]
        self._block = 0
        self._prefix = f"{self._beginning}{0:09x}"
        self._rest = 1

    def following(self) -> str:
        if self._rest == len(_LAST_DIGITS):
            self._block += 1
            self._prefix = f"{self._beginning}{self._block:09x}"
            self._rest = 0
        digits = _LAST_DIGITS[self._rest]
        self._rest += 1
        return self._prefix + digits


_ids: Final = _Ids()


def new_id() -> str:
    return _ids.following()
