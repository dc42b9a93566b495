"""Which of the waiting exchanges are observed at this look, so that watching never takes more than its share."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from aftertune.store.exchanges import Payload
from aftertune.values.exchange import Exchange
from monitor.drift.opening import Opening, PassedOver, read_opening

PER_TICK = 32
"""Conversations embedded at one look; two texts each."""
MOST_WAITING = 3_000
"""With more exchanges waiting, a sample of them is observed: drift is in the mix, not in any one of them."""


class Sifted(NamedTuple):
    """`openings` and `passed` together are the first of what waited, none left out."""

    openings: list[tuple[Exchange, Opening]]
    passed: list[tuple[Exchange, PassedOver]]


def sift(waiting: Sequence[tuple[Exchange, Payload]], backlog: int) -> Sifted:
    """Up to PER_TICK openings and what lies between them; `backlog` exchanges wait in all."""
    share = min(1.0, MOST_WAITING / max(1, backlog))
    sifted = Sifted([], [])
    for exchange, payload in waiting:
        if len(sifted.openings) == PER_TICK:
            break
        read = read_opening(exchange, payload)
        if isinstance(read, Opening) and _draw(exchange.exchange_id) >= share:
            read = PassedOver.BEHIND
        if isinstance(read, Opening):
            sifted.openings.append((exchange, read))
        else:
            sifted.passed.append((exchange, read))
    return sifted


def _draw(exchange_id: str) -> float:
    """Uniform in [0, 1), and the same for the same exchange."""
    return int.from_bytes(hashlib.sha256(f"sift {exchange_id}".encode()).digest()[:6], "big") / 2.0**48
