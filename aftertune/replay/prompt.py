"""A stored request as it is put to another release's engine."""

from typing import Any

import orjson

from aftertune.values.exchange import Endpoint
from aftertune.values.route import Target
from aftertune.values.value import Value

GENERATIVE = frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.RESPONSES})

_KEPT_BY_AN_ENGINE = ("previous_response_id", "conversation", "prompt")
"""Fields of a Responses request that name what only the engine that answered it has."""


class Prompt(Value):
    """`request` is the stored body; `redacted`: not what the user wrote, but what may be kept of it."""

    exchange_id: str
    endpoint: Endpoint
    request: str
    redacted: bool


class Unfit(Exception):
    """The request cannot be put to another engine; the text says why."""


def engine_request(prompt: Prompt, target: Target) -> bytes:
    """The same question with the same sampling and seed, under the engine's name, without fields that it does not take.

    Nothing outlives it: a background answer is waited for, and none is kept by the engine. Raises Unfit.
    """
    if prompt.endpoint not in GENERATIVE:
        raise Unfit("no model writes the answer")
    try:
        body: Any = orjson.loads(prompt.request)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise Unfit("the request is not a JSON object")
    if prompt.endpoint is Endpoint.RESPONSES:
        if any(body.get(name) for name in _KEPT_BY_AN_ENGINE):
            raise Unfit("part of the conversation is kept by another engine")
        body = {name: value for name, value in body.items() if name != "background"} | {"store": False}
    body["model"] = target.served_name
    if target.accepts is not None:
        body = {name: value for name, value in body.items() if name in target.accepts}
    return orjson.dumps(body)
