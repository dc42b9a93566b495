"""Real vLLM behind the router, mirrored to a second release: what the `openai` client gets is what it gets without."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest

from aftertune.cli.client import ConsoleClient
from examples.task_api.plans import DEPLOYMENT
from tests.flows.vllm.loop import PLAIN, TASK, TOOLS, Loop
from tests.flows.waiting import wait_for

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1200)]

PASSING = frozenset(
    {"id", "created", "created_at", "completed_at", "item_id", "call_id", "request_id", "logprob"}
)
"""Fields that differ between two runs of the same request; a log-probability does in its last digits."""
GREEDY: dict[str, Any] = {"temperature": 0, "seed": 7}
USAGE: Any = {"include_usage": True}

CHATS: dict[str, dict[str, Any]] = {
    "plain": {"messages": PLAIN, "max_tokens": 24},
    "tools": {"messages": TASK, "tools": TOOLS},
    "a tool that is named": {
        "messages": TASK,
        "tools": TOOLS,
        "tool_choice": {"type": "function", "function": {"name": TOOLS[0]["function"]["name"]}},
    },
    "with logprobs": {
        "messages": PLAIN,
        "logprobs": True,
        "top_logprobs": 2,
        "max_tokens": 6,
    },
    "vllm's own fields": {
        "messages": PLAIN,
        "max_tokens": 6,
        "extra_body": {"top_k": 1, "return_token_ids": True},
    },
}


@pytest.fixture(scope="module", autouse=True)
def mirrored(loop: Loop) -> Iterator[None]:
    """v2 gets a copy of every request, and nobody may notice."""
    operator = loop.cast.operator
    _shadow(operator, loop, [{"release": "v2", "share": 1.0}])
    yield
    _shadow(operator, loop, [])


@pytest.fixture(scope="module")
def direct(loop: Loop) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{loop.engine_url('v1')}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("name", list(CHATS))
def test_chat(loop: Loop, direct: openai.OpenAI, name: str) -> None:
    def ask(client: openai.OpenAI, model: str) -> Any:
        return client.chat.completions.create(model=model, **GREEDY, **CHATS[name]).model_dump()

    same(loop, direct, ask)


@pytest.mark.parametrize("name", list(CHATS))
def test_a_chat_stream(loop: Loop, direct: openai.OpenAI, name: str) -> None:
    """Texts and arguments add up to the same; how the engine cuts them into chunks may differ."""

    def ask(client: openai.OpenAI, model: str) -> Any:
        stream = client.chat.completions.create(
            model=model, stream=True, stream_options=USAGE, **GREEDY, **CHATS[name]
        )
        return _joined([chunk.model_dump() for chunk in stream])

    same(loop, direct, ask)


def test_the_async_client(loop: Loop, direct: openai.OpenAI) -> None:
    async def ask_all(client: openai.OpenAI, model: str) -> list[Any]:
        url, key = str(client.base_url), client.api_key
        async with openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0) as conversing:
            whole = conversing.chat.completions.create(model=model, **GREEDY, **CHATS["tools"])
            stream = await conversing.chat.completions.create(
                model=model, stream=True, stream_options=USAGE, **GREEDY, **CHATS["tools"]
            )
            chunks = [chunk.model_dump() async for chunk in stream]
            return [(await whole).model_dump(), _joined(chunks)]

    same(loop, direct, lambda client, model: asyncio.run(ask_all(client, model)))


def test_completions(loop: Loop, direct: openai.OpenAI) -> None:
    def ask(client: openai.OpenAI, model: str) -> Any:
        prompts: dict[str, Any] = {"prompt": ["The capital of", "2 + 2 ="], "max_tokens": 8, **GREEDY}
        whole = client.completions.create(model=model, **prompts).model_dump()
        stream = client.completions.create(model=model, stream=True, **prompts)
        texts = ["", ""]
        for chunk in stream:
            for choice in chunk.choices:
                texts[choice.index] += choice.text
        return whole, texts

    same(loop, direct, ask)


def test_responses(loop: Loop, direct: openai.OpenAI) -> None:
    def ask(client: openai.OpenAI, model: str) -> Any:
        fields: dict[str, Any] = {"input": PLAIN, "temperature": 0, "max_output_tokens": 16, "store": False}
        whole = client.responses.create(model=model, **fields).model_dump()
        events = [event.model_dump() for event in client.responses.create(model=model, stream=True, **fields)]
        text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
        ends = [event for event in events if not event["type"].endswith(".delta")]
        for number, event in enumerate(ends):
            event["sequence_number"] = number
        return whole, text, ends

    same(loop, direct, ask)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/tokenize", {"prompt": "What is the capital of France?"}),
        ("/tokenize", {"messages": PLAIN}),
        ("/detokenize", {"tokens": [1, 2, 3]}),
        ("/v1/embeddings", {"input": "What is the capital of France?"}),
        ("/v1/chat/completions", {"messages": PLAIN, "temperature": -3}),
        ("/v1/chat/completions", {"messages": [{"role": 7, "content": {}}]}),
        ("/v1/chat/completions", {"messages": PLAIN, "stream": True, "max_tokens": -1}),
        ("/v1/completions", {"prompt": "The", "max_tokens": "many"}),
    ],
)
def test_other_endpoints_and_errors_by_their_bytes(loop: Loop, path: str, fields: dict[str, Any]) -> None:
    """A model that gives no embeddings says so itself, and so do fields that it does not take."""
    key = {"authorization": f"Bearer {loop.cast.application_key}"}
    routed = httpx.post(
        loop.stack.router_url + path, json={"model": DEPLOYMENT, **fields}, headers=key, timeout=180
    )
    alone = httpx.post(loop.engine_url("v1") + path, json={"model": "v1", **fields}, timeout=180)
    assert routed.status_code == alone.status_code
    assert routed.headers["content-type"] == alone.headers["content-type"]
    assert _lasting(routed.json()) == _lasting(alone.json())
    assert routed.headers["x-aftertune-release"] == "v1"


@pytest.mark.parametrize("endpoint", ["chat", "completions", "responses"])
def test_both_legs_are_recorded(loop: Loop, endpoint: str) -> None:
    client = loop.client
    if endpoint == "chat":
        headers = client.chat.completions.with_raw_response.create(
            model=DEPLOYMENT, **GREEDY, **CHATS["tools"]
        ).headers
    elif endpoint == "completions":
        headers = client.completions.with_raw_response.create(
            model=DEPLOYMENT, prompt="The", max_tokens=4
        ).headers
    else:
        headers = client.responses.with_raw_response.create(
            model=DEPLOYMENT, input="The", max_output_tokens=4, store=False
        ).headers
    path = f"/v1/exchanges/{headers['x-request-id']}"
    wait_for(lambda: len(loop.cast.operator.get(path)) == 2, "both legs")
    legs = loop.cast.operator.get(path)
    assert {(leg["role"], leg["release"], leg["error"]) for leg in legs} == {
        ("stable", "v1", None),
        ("shadow", "v2", None),
    }


def same(loop: Loop, direct: openai.OpenAI, ask: Callable[[openai.OpenAI, str], Any]) -> None:
    """With the router and without it, field by field."""
    routed, alone = ask(loop.client, DEPLOYMENT), ask(direct, "v1")
    assert _lasting(routed) == _lasting(alone)


def _shadow(operator: ConsoleClient, loop: Loop, shadows: list[dict[str, Any]]) -> None:
    path = f"/v1/deployments/{DEPLOYMENT}"
    answer = operator.patch(path, {"shadows": shadows})
    generation = str(answer["deployment"]["generation"])

    def follows() -> bool:
        raw = loop.client.chat.completions.with_raw_response.create(
            model=DEPLOYMENT, messages=PLAIN, max_tokens=1
        )
        return raw.headers["x-aftertune-generation"] == generation

    wait_for(follows, f"the router at generation {generation}")


def _joined(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """What a stream says in the end: for each choice its text, calls and finish; and the usage."""
    said: dict[str, Any] = {"usage": [chunk["usage"] for chunk in chunks if chunk.get("usage")]}
    for choice in (choice for chunk in chunks for choice in chunk["choices"]):
        each = said.setdefault(choice["index"], {"text": "", "calls": {}, "finish": None})
        each["text"] += choice["delta"].get("content") or ""
        each["finish"] = choice["finish_reason"] or each["finish"]
        for call in choice["delta"].get("tool_calls") or ():
            name, arguments = call["function"].get("name") or "", call["function"].get("arguments") or ""
            before = each["calls"].get(call["index"], ("", ""))
            each["calls"][call["index"]] = (before[0] + name, before[1] + arguments)
    return said


def _lasting(node: Any) -> Any:
    """Without what two runs of the same request do not share."""
    if isinstance(node, dict):
        return {name: _lasting(value) for name, value in node.items() if name not in PASSING}
    if isinstance(node, list | tuple):
        return [_lasting(value) for value in node]
    return node
