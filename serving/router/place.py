"""A release's place in a routing table: what is the same for all that it answers there, made ready once."""

from typing import Final

import orjson

from aftertune.capture import keeps_identity, keeps_payload
from aftertune.headers import GENERATION, RELEASE
from aftertune.values.exchange import Endpoint, ExchangeRole
from aftertune.values.route import Route, Target

_MOST: Final = 1024
"""Places that are kept; routing tables come and go."""


class Place:
    """`headers` are the lines by which an answer names what made it.

    `captured`: whether payloads are recorded; `identified`: whether conversation, user and tenant are.
    """

    __slots__ = (
        "_beginnings",
        "_route",
        "_router",
        "_target",
        "captured",
        "deployment",
        "headers",
        "identified",
    )

    def __init__(self, router: str, route: Route, target: Target) -> None:
        self.deployment = route.deployment
        self.captured = keeps_payload(route.capture)
        self.identified = keeps_identity(route.capture)
        self.headers = f"{RELEASE}: {target.release}\r\n{GENERATION}: {route.generation}\r\n".encode()
        self._router = router
        self._route = route
        self._target = target
        self._beginnings: dict[tuple[Endpoint, ExchangeRole], bytes] = {}

    def beginning(self, endpoint: Endpoint, role: ExchangeRole) -> bytes:
        """The first members of the JSON of a record's header."""
        known = self._beginnings.get((endpoint, role))
        if known is None:
            known = self._beginnings[endpoint, role] = orjson.dumps(
                {
                    "schema_version": 1,
                    "endpoint": endpoint,
                    "deployment": self.deployment,
                    "release": self._target.release,
                    "generation": self._route.generation,
                    "role": role,
                    "router": self._router,
                    "capture": self._route.capture,
                }
            )[:-1]
        return known


class Places:
    """Of one router, by the route and the target themselves: to compare or hash them costs more than all the rest."""

    def __init__(self, router: str) -> None:
        self._router = router
        self._places: dict[tuple[int, int], Place] = {}

    def of(self, route: Route, target: Target) -> Place:
        key = (id(route), id(target))
        known = self._places.get(key)
        if known is None:
            if len(self._places) >= _MOST:
                self._places.clear()
            # It holds the route and the target: an id is not used again while its object lives.
            known = self._places[key] = Place(self._router, route, target)
        return known
