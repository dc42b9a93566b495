"""Who answers, and who gets copies: a pure function of names, without randomness or state.

Samples are independent: the canary's is by conversation, the rollout's copies and each shadow's are by request, and
every shadow has a salt of its own. Two shadows at 10 % therefore copy two different tenths of the requests, so that
no request costs several copies more often than chance has it. Raising a share only ever adds to a sample.
"""

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Literal

from aftertune.values.exchange import ExchangeRole
from aftertune.values.route import MirrorBudget, Mode, Route, Target

Origin = Literal["rollout", "shadow"]


@dataclass(frozen=True)
class CopyTo:
    """A copy of the request; nobody sees its answer. `budget` is shared by all copies to the target's release."""

    target: Target
    budget: MirrorBudget
    origin: Origin


@dataclass(frozen=True)
class Decision:
    """`live` answers the client in `role`; the rollout's copy comes first in `copies`."""

    live: Target
    role: ExchangeRole
    copies: tuple[CopyTo, ...] = ()

    def copies_beside(self, answered: Target) -> tuple[CopyTo, ...]:
        """The copies that are left when `answered` took the place of `live`: none goes to the release that answers."""
        if answered is self.live:
            return self.copies
        return tuple(copy for copy in self.copies if copy.target.release != answered.release)


@dataclass(frozen=True)
class _Sample:
    salt: tuple[str, ...]
    share: float
    copy: CopyTo


class _Leg:
    """One release as the one that answers, with what is copied beside it."""

    __slots__ = ("_always", "_samples", "_varies")

    def __init__(self, live: Target, role: ExchangeRole, samples: Iterable[_Sample]) -> None:
        self._samples = tuple(s for s in samples if s.share > 0 and s.copy.target.release != live.release)
        self._varies = any(sample.share < 1 for sample in self._samples)
        self._always = Decision(live, role, tuple(s.copy for s in self._samples if s.share >= 1))

    def decide(self, request_id: str) -> Decision:
        always = self._always
        if not self._varies:
            return always
        chosen = [s.copy for s in self._samples if s.share >= 1 or hash01(*s.salt, request_id) < s.share]
        if len(chosen) == len(always.copies):
            return always
        return Decision(always.live, always.role, tuple(chosen))


class Policy:
    """A route, made ready to decide by: what does not depend on the request is worked out here, once.

    `by_conversation`: whether it matters which conversation asks.
    """

    __slots__ = ("__weakref__", "_canary", "_deployment", "_share", "_stable", "by_conversation")

    def __init__(self, route: Route) -> None:
        self._deployment = route.deployment
        self._share = route.share if route.mode is Mode.CANARY else 0.0
        self.by_conversation = 0 < self._share < 1
        shadows = _shadow_samples(route)
        candidate = route.candidate
        if candidate is None:
            self._canary = None
            self._stable = _Leg(route.stable, ExchangeRole.STABLE, shadows)
            return
        self._canary = _Leg(candidate, ExchangeRole.CANARY, (_rollout_sample(route, route.stable), *shadows))
        self._stable = _Leg(route.stable, ExchangeRole.STABLE, (_rollout_sample(route, candidate), *shadows))

    def decide(self, conversation: str, request_id: str) -> Decision:
        """A conversation stays with its release; raising the share only ever moves conversations to the candidate.

        The rollout's copy goes to the release that does not answer, shadows get theirs besides, and no release gets
        two.
        """
        canary, share = self._canary, self._share
        if (
            canary is not None
            and share > 0
            and (share >= 1 or hash01(self._deployment, conversation) < share)
        ):
            return canary.decide(request_id)
        return self._stable.decide(request_id)


def hash01(*names: str) -> float:
    """Names to a number in [0, 1), evenly spread and the same everywhere."""
    digest = blake2b("\x1f".join(names).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / (1 << 53)


_POLICIES: Final[dict[int, Policy]] = {}
"""By the route's identity, for as long as the route lives: to hash a whole route costs more than to decide."""


def policy_of(route: Route) -> Policy:
    """Made when the route is first met."""
    policy = _POLICIES.get(id(route))
    if policy is None:
        policy = _POLICIES[id(route)] = Policy(route)
        weakref.finalize(route, _POLICIES.pop, id(route), None)
    return policy


def _rollout_sample(route: Route, other: Target) -> _Sample:
    return _Sample(("mirror",), route.mirror, CopyTo(other, route.budget, "rollout"))


def _shadow_samples(route: Route) -> list[_Sample]:
    """Of the shadows that are neither stable nor the candidate; each release once."""
    taken = {route.stable.release}
    if route.candidate is not None:
        taken.add(route.candidate.release)
    samples = []
    for shadow in route.shadows:
        release = shadow.target.release
        if release not in taken:
            taken.add(release)
            copy = CopyTo(shadow.target, shadow.budget, "shadow")
            samples.append(_Sample(("shadow", release), shadow.share, copy))
    return samples
