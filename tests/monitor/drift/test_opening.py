"""Openings of conversations on every endpoint that a model answers."""

import json
from typing import Any

import pytest

from aftertune.store.exchanges import Payload
from aftertune.values.exchange import Endpoint
from monitor.drift.opening import Opening, PassedOver, read_opening
from tests.aftertune.samples import exchange

ANSWERS = {
    Endpoint.CHAT: {"choices": [{"message": {"content": "because"}}]},
    Endpoint.COMPLETIONS: {"choices": [{"text": "because"}]},
    Endpoint.RESPONSES: {
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "because"}]}]
    },
}


def opening(endpoint: Endpoint, request: Any) -> Opening | PassedOver:
    payload = Payload(json.dumps(request).encode(), json.dumps(ANSWERS.get(endpoint, {})).encode())
    return read_opening(exchange(endpoint=endpoint), payload)


@pytest.mark.parametrize(
    ("endpoint", "request_body"),
    [
        (
            Endpoint.CHAT,
            {"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "why"}]},
        ),
        (Endpoint.COMPLETIONS, {"prompt": "why"}),
        (Endpoint.RESPONSES, {"input": "why"}),
        (
            Endpoint.RESPONSES,
            {"input": [{"role": "user", "content": [{"type": "input_text", "text": "why"}]}]},
        ),
    ],
)
def test_what_was_asked_and_answered(endpoint: Endpoint, request_body: Any) -> None:
    found = opening(endpoint, request_body)

    assert isinstance(found, Opening)
    assert (found.prompt, found.answer) == ("why", "because")


@pytest.mark.parametrize(
    ("endpoint", "request_body", "why"),
    [
        (Endpoint.RESPONSES, {"input": "why", "previous_response_id": "r"}, PassedOver.LATER_TURN),
        (
            Endpoint.RESPONSES,
            {"input": [{"role": "user", "content": "a"}, {"type": "function_call_output", "output": "7"}]},
            PassedOver.LATER_TURN,
        ),
        (Endpoint.COMPLETIONS, {"prompt": [1, 2]}, PassedOver.NO_TEXT),
        (Endpoint.EMBEDDINGS, {"input": "why"}, PassedOver.NO_TEXT),
        (Endpoint.CHAT, [1], PassedOver.NO_TEXT),
    ],
)
def test_what_is_passed_over(endpoint: Endpoint, request_body: Any, why: PassedOver) -> None:
    assert opening(endpoint, request_body) is why
