"""Who answers, and who gets a copy: a pure function of names, without randomness or state."""

from dataclasses import dataclass
from hashlib import blake2b

from aftertune.values.exchange import ExchangeRole
from aftertune.values.route import Mode, Route, Target


@dataclass(frozen=True)
class Decision:
    """`live` answers the client in `role`; `copy`, when set, gets a copy whose answer nobody sees."""

    live: Target
    role: ExchangeRole
    copy: Target | None


def hash01(*names: str) -> float:
    """Names to a number in [0, 1), evenly spread and the same everywhere."""
    digest = blake2b("\x1f".join(names).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / (1 << 53)


def decide(route: Route, conversation: str, request_id: str) -> Decision:
    """A conversation stays with its release; raising the share only ever moves conversations to the candidate."""
    if route.candidate is None:
        return Decision(route.stable, ExchangeRole.STABLE, None)
    canary = route.mode is Mode.CANARY and hash01(route.deployment, conversation) < route.share
    mirrored = hash01("mirror", request_id) < route.mirror
    if canary:
        return Decision(route.candidate, ExchangeRole.CANARY, route.stable if mirrored else None)
    return Decision(route.stable, ExchangeRole.STABLE, route.candidate if mirrored else None)
