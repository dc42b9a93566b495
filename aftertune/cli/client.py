"""The console's API as the command line sees it."""

import os
import uuid
from collections.abc import Mapping
from typing import Any

import httpx

from aftertune.errors import AftertuneError, BadInput, Unauthenticated, Unavailable
from aftertune.settings import TOKEN_VARIABLE


class Refused(BadInput):
    """The console said no; the message is its own."""

    title = "Refused"


class ConsoleClient:
    """Speaks JSON with the console as the holder of `token`."""

    def __init__(self, url: str, token: str, timeout_s: float = 30.0) -> None:
        self._url = url
        self._client = httpx.Client(
            base_url=url, timeout=timeout_s, headers={"Authorization": f"Bearer {token}"}
        )

    def get(self, path: str, **query: str | int) -> Any:
        return self._send("GET", path, params=query)

    def get_bytes(self, path: str) -> bytes:
        """A file, as it is."""
        return self._answer("GET", path).content

    def post(self, path: str, body: Mapping[str, Any] | None = None, key: str | None = None) -> Any:
        """Every act carries an idempotency key, so that a repeated command acts once."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self._send("POST", path, json=dict(body or {}), headers=headers)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Change what the body names; an act, as `post` is."""
        return self._send("PATCH", path, json=dict(body), headers={"Idempotency-Key": str(uuid.uuid4())})

    def close(self) -> None:
        self._client.close()

    def _send(self, method: str, path: str, **arguments: Any) -> Any:
        response = self._answer(method, path, **arguments)
        return response.json() if response.content else None

    def _answer(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            response = self._client.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"The console at {self._url} does not answer: {error}.", "Is 'aftertune up' running?"
            ) from None
        if response.is_success:
            return response
        raise _problem(response)


def client_from_environment(url: str) -> ConsoleClient:
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not token:
        raise Unauthenticated("No credential is set.", f"Put your token into {TOKEN_VARIABLE}.")
    return ConsoleClient(url, token)


def _problem(response: httpx.Response) -> AftertuneError:
    try:
        problem = response.json()
        detail = str(problem.get("detail") or problem.get("title"))
        remedy = str(problem.get("remedy") or "")
    except (ValueError, AttributeError):
        detail, remedy = f"The console answered {response.status_code}.", ""
    return (Unavailable if response.is_server_error else Refused)(detail, "" if remedy in detail else remedy)
