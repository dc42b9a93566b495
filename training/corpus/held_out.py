"""Which values belong to training and which are kept back."""

import hashlib
from collections.abc import Callable
from random import Random
from typing import TypeVar

HELD_OUT_SHARE = 0.2

T = TypeVar("T")


def is_held_out(value: str) -> bool:
    """Whether `value` is kept out of training: a fixed fifth of all strings, by SHA-256."""
    first = hashlib.sha256(value.encode()).digest()[:4]
    return int.from_bytes(first, "big") < HELD_OUT_SHARE * 2**32


def draw_until(make: Callable[[Random], T], key: Callable[[T], str], held_out: bool, rng: Random) -> T:
    """Draws from `make` until the value's key lies on the wanted side of the split.

    Raises RuntimeError after 2,000 draws: the values of `make` are too few to be split.
    """
    for _ in range(2000):
        value = make(rng)
        if is_held_out(key(value)) == held_out:
            return value
    side = "held-out" if held_out else "training"
    raise RuntimeError(f"{make} gave no {side} value in 2,000 draws; widen its word lists")
