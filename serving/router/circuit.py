"""Which engines are worth asking, and in which order. Pure: time is given, no request is made here.

A circuit stands for one engine. Live requests tell it what happened to them (a connection that failed, no answer in
time, or an answer 502, 503 or 504, is a failure; any other answer is a success), and an engine whose circuit is open is
asked for its health now and then. Copies tell nothing: a release that only its shadow hurts still answers its users.

    closed ──(3 failures in a row)──▶ open ──(a probe is answered)──▶ half-open ──(a success)──▶ closed
                                       ▲                                   │
                                       └───────────(one failure)───────────┘

Half-open is probation: one request is asked of the engine, and the others wait for its end elsewhere, since an engine
that hangs would hold all that come until the first is given up. One more is asked whenever another probe is answered:
a trial whose client leaves tells nothing. A failure opens the circuit at once.
A circuit never makes an outage: where nothing better is left, open ones are tried too.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from aftertune.values.exchange import ExchangeRole
from aftertune.values.route import Route, Target
from serving.router.policy import Decision

LONGEST_WAIT: Final = 4
"""Waits between two probes double up to this many times the first."""


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


# A member of an enumeration costs a call each time it is named.
_CLOSED: Final = State.CLOSED
_HALF_OPEN: Final = State.HALF_OPEN
_CANARY: Final = ExchangeRole.CANARY
_STABLE: Final = ExchangeRole.STABLE


class Circuit:
    """`usable` is all that the hot path reads. Times are monotonic, in seconds."""

    __slots__ = ("_due", "_failed", "_failures", "_interval_s", "_wait_s", "state", "usable")

    def __init__(self, failures: int = 3, probe_interval_s: float = 2.0) -> None:
        self.usable = True
        self.state = State.CLOSED
        self._failures, self._interval_s = failures, probe_interval_s
        self._failed = 0
        self._wait_s = probe_interval_s
        self._due = 0.0

    def asked(self, now: float) -> None:
        """A live request goes to the engine: on probation it is the trial."""
        if self.state is _HALF_OPEN and self.usable:
            self.usable = False
            self._plan(now)

    def failed(self, now: float) -> None:
        """A live request could not be answered."""
        if self.state is State.OPEN:
            return  # A request that had nothing better to try; probes go on as planned.
        self._failed += 1
        if self.state is State.HALF_OPEN or self._failed >= self._failures:
            self._open(now)

    def succeeded(self) -> None:
        """A live request was answered: whatever was known before, the engine works."""
        if self._failed or self.state is not _CLOSED:
            self.usable, self.state = True, _CLOSED
            self._failed, self._wait_s = 0, self._interval_s

    def probe_due(self, now: float) -> bool:
        return not self.usable and now >= self._due

    def probed(self, ok: bool, now: float) -> None:
        """The engine was asked for its health. Waits grow until a live request succeeds."""
        if self.usable:
            return
        if ok:
            self.usable, self.state = True, State.HALF_OPEN
        else:
            self._open(now)

    def _open(self, now: float) -> None:
        self.usable, self.state = False, State.OPEN
        self._plan(now)

    def _plan(self, now: float) -> None:
        self._due = now + self._wait_s
        self._wait_s = min(self._wait_s * 2, self._interval_s * LONGEST_WAIT)


class Circuits:
    """One for each engine URL, made when it is first asked for."""

    def __init__(self, failures: int = 3, probe_interval_s: float = 2.0) -> None:
        self._failures, self._interval_s = failures, probe_interval_s
        self._circuits: dict[str, Circuit] = {}
        self._turns: dict[str, int] = {}

    def of(self, url: str) -> Circuit:
        circuit = self._circuits.get(url)
        if circuit is None:
            circuit = self._circuits[url] = Circuit(self._failures, self._interval_s)
        return circuit

    def keep(self, urls: Iterable[str]) -> None:
        """Forget all other engines."""
        kept = frozenset(urls)
        self._circuits = {url: circuit for url, circuit in self._circuits.items() if url in kept}
        self._turns.clear()

    def due(self, now: float) -> list[str]:
        """Engines to ask for their health now; each answer goes to `probed`."""
        return [url for url, circuit in self._circuits.items() if circuit.probe_due(now)]

    def order(self, target: Target) -> Sequence[str]:
        """All engines of the target, each once: usable ones first, beginning with another one at each call."""
        if not target.replicas:
            return (target.url,)
        urls = list(dict.fromkeys((target.url, *target.replicas)))
        turn = self._turns.get(target.release, 0)
        self._turns[target.release] = turn + 1
        turn %= len(urls)
        turned = urls[turn:] + urls[:turn]
        if all(self.of(url).usable for url in turned):
            return turned
        return sorted(turned, key=lambda url: not self.of(url).usable)

    def down(self, target: Target) -> bool:
        """Every engine of the target has an open circuit."""
        if self.of(target.url).usable:
            return False
        return not any(self.of(url).usable for url in target.replicas)


def attempts(route: Route, decision: Decision, circuits: Circuits) -> Sequence[tuple[Target, str]]:
    """Which engine of which release to ask, in this order, until one answers; none is asked twice for one model.

    A canary's user whom the candidate does not answer gets stable. Whoever asks records each release that gave no
    answer: a candidate that fails must be seen to fail by the guardrail, though its users do not feel it.

    While every engine of stable is open, the route's fallback answers if it can. What is open comes last.
    """
    if decision.role is _CANARY:
        candidate = _each(decision.live, circuits)
        ready = [attempt for attempt in candidate if circuits.of(attempt[1]).usable]
        return _unique([*ready, *_stable(route, circuits), *candidate])
    return _stable(route, circuits)


def role_of(decision: Decision, answered: Target) -> ExchangeRole:
    """As what a release is recorded that answered: one that stands in for another serves as stable."""
    return decision.role if answered is decision.live else _STABLE


def fallen_back(routes: Iterable[Route], circuits: Circuits) -> dict[str, str]:
    """Deployment → release that answers because every engine of stable is down: what a router's lease says."""
    return {
        route.deployment: route.fallback.release
        for route in routes
        if route.fallback is not None and circuits.down(route.stable) and not circuits.down(route.fallback)
    }


def engine_urls(routes: Iterable[Route]) -> set[str]:
    """Every engine that may answer a user: those whose circuits are kept."""
    return {
        url
        for route in routes
        for target in (route.stable, route.candidate, route.fallback)
        if target is not None
        for url in (target.url, *target.replicas)
    }


def _stable(route: Route, circuits: Circuits) -> Sequence[tuple[Target, str]]:
    stable, fallback = route.stable, route.fallback
    if fallback is None or not circuits.down(stable):
        return _each(stable, circuits)
    behind = _each(fallback, circuits)
    ready = [attempt for attempt in behind if circuits.of(attempt[1]).usable]
    return _unique([*ready, *_each(stable, circuits), *behind])


def _each(target: Target, circuits: Circuits) -> Sequence[tuple[Target, str]]:
    return [(target, url) for url in circuits.order(target)]


def _unique(listed: Iterable[tuple[Target, str]]) -> Sequence[tuple[Target, str]]:
    """Two releases may share an external engine: its first place counts."""
    seen: dict[tuple[str, str], tuple[Target, str]] = {}
    for target, url in listed:
        seen.setdefault((url, target.served_name), (target, url))
    return list(seen.values())
