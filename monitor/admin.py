"""The port to one router's admin interface, and its HTTP adapter."""

from collections.abc import Callable
from typing import Protocol

import httpx
from pydantic import ValidationError

from aftertune.engine import ChatEngine
from aftertune.errors import Unavailable
from aftertune.openai_engine import OpenAIEngine
from aftertune.values.route import RouterLease, RoutingTable


class RouterAdmin(Protocol):
    """Each method raises Unavailable when the router does not answer or refuses."""

    def routing(self) -> RouterLease: ...

    def push(self, table: RoutingTable) -> RouterLease: ...

    def probe(self, deployment: str, timeout_s: float) -> ChatEngine:
        """Asks for answers of the deployment by the path and policy of a client's request."""
        ...


Connect = Callable[[str], RouterAdmin]
"""From a router's admin URL to its port."""


class HttpRouterAdmin:
    def __init__(self, admin_url: str, client: httpx.Client, token: str) -> None:
        self._url = admin_url
        self._client = client
        self._token = token

    def routing(self) -> RouterLease:
        return self._exchange("GET", None)

    def push(self, table: RoutingTable) -> RouterLease:
        return self._exchange("PUT", table)

    def probe(self, deployment: str, timeout_s: float) -> ChatEngine:
        return OpenAIEngine(self._url, deployment, self._token, timeout_s)

    def _exchange(self, method: str, table: RoutingTable | None) -> RouterLease:
        try:
            response = self._client.request(
                method,
                f"{self._url}/v1/routing",
                headers={"Authorization": f"Bearer {self._token}"},
                json=table.model_dump(mode="json") if table else None,
            )
        except httpx.HTTPError as error:
            raise Unavailable(f"{self._url} does not answer: {error}.") from error
        if response.status_code != httpx.codes.OK:
            raise Unavailable(f"{self._url} answered {response.status_code} to {method} /v1/routing.")
        try:
            return RouterLease.model_validate_json(response.content)
        except ValidationError as error:
            raise Unavailable(f"{self._url} answered something that is no lease.") from error
