"""What an engine is asked in a replay."""

import json
from typing import Any

import pytest

from aftertune.replay.prompt import Prompt, Unfit, engine_request
from aftertune.values.exchange import Endpoint
from aftertune.values.route import Target

TARGET = Target(release="v2", url="http://engine", served_name="v2-served")


def asked(body: Any, endpoint: Endpoint = Endpoint.CHAT, target: Target = TARGET) -> dict[str, Any]:
    prompt = Prompt(exchange_id="e1", endpoint=endpoint, request=json.dumps(body), redacted=False)
    sent: dict[str, Any] = json.loads(engine_request(prompt, target))
    return sent


def test_only_the_model_changes() -> None:
    body = {
        "model": "tasks",
        "messages": [],
        "seed": 7,
        "temperature": 0.3,
        "n": 2,
        "stream": True,
        "tools": [1],
    }

    assert asked(body) == body | {"model": "v2-served"}


def test_fields_that_the_engine_does_not_take_are_left_out() -> None:
    narrow = TARGET.model_copy(update={"accepts": ("model", "messages", "seed")})

    assert asked({"model": "x", "messages": [], "seed": 7, "n": 2}, target=narrow) == {
        "model": "v2-served",
        "messages": [],
        "seed": 7,
    }


def test_an_engine_keeps_nothing_of_a_replay() -> None:
    sent = asked({"model": "x", "input": "hi", "store": True, "background": True}, Endpoint.RESPONSES)

    assert sent == {"model": "v2-served", "input": "hi", "store": False}


@pytest.mark.parametrize(
    ("body", "endpoint", "why"),
    [
        ({"input": "hi"}, Endpoint.EMBEDDINGS, "no model writes"),
        ([1], Endpoint.CHAT, "not a JSON object"),
        ({"input": "hi", "previous_response_id": "r"}, Endpoint.RESPONSES, "another engine"),
    ],
)
def test_what_cannot_be_asked_again(body: Any, endpoint: Endpoint, why: str) -> None:
    with pytest.raises(Unfit, match=why):
        asked(body, endpoint)
