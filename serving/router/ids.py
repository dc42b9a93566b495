"""Ids of 32 hexadecimal digits: two of one process differ by a number, those of two processes by their beginning.

They are unique, not secret: nothing is granted to who knows one.
"""

from itertools import count
from uuid import uuid4

_beginning = uuid4().hex[:20]
_numbers = count(1)


def new_id() -> str:
    return f"{_beginning}{next(_numbers):012x}"
