"""The adapter over real HTTP: what an engine says is read in full, and every way of not answering is told apart."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.clock import SystemClock
from aftertune.engine import NoAnswer
from aftertune.errors import BadInput
from aftertune.values.evaluation import Answer
from aftertune.values.exchange import ToolCall
from aftertune.values.release import EngineKind
from evals.engine.answer_stream import AnswerStream
from evals.engine.completion import NoCompletion, read_answer, text_of
from evals.engine.http_engine import Address, HttpEngine, session
from tests.fakes.engine import FakeEngine, Fault, Script

ASKED = [{"role": "user", "content": "Create a task: water plant 1"}]
TOOLS = [{"type": "function", "function": {"name": "create_task", "parameters": {}}}]
SETTINGS = {"max_tokens": 32, "temperature": 0}
CALL = ToolCall(name="create_task", arguments='{"title": "water plant 1"}')
JSON = (("content-type", "application/json"),)


@pytest.fixture
async def fake() -> AsyncIterator[FakeEngine]:
    async with FakeEngine("v1") as running:
        yield running


@pytest.fixture
async def engine(fake: FakeEngine) -> AsyncIterator[HttpEngine]:
    async with session(30) as client:
        yield HttpEngine(client, Address(fake.url, "v1", EngineKind.VLLM), SystemClock(), key="at_key")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_is_read_whole_and_streamed(engine: HttpEngine, fake: FakeEngine, stream: bool) -> None:
    answer = await engine.chat(ASKED, tools=TOOLS, stream=stream, settings=SETTINGS)
    assert (answer.text, answer.tool_calls, answer.finish) == ("", (CALL,), "tool_calls")
    assert (answer.prompt_tokens, answer.completion_tokens) == (6, 4)
    assert answer.latency_s is not None
    assert (answer.first_token_s is not None) is stream
    body = fake.seen[0].json
    assert (body["model"], body["max_tokens"], body["tools"]) == ("v1", 32, TOOLS)
    assert fake.seen[0].headers["authorization"] == "Bearer at_key"


@pytest.mark.parametrize("stream", [False, True])
async def test_text_is_read_whole_and_streamed(engine: HttpEngine, stream: bool) -> None:
    answer = await engine.chat([{"role": "user", "content": "Hi"}], stream=stream, settings=SETTINGS)
    assert answer.text == "TaskMaster here: I keep your tasks in order, one at a time."
    assert answer.finish == "stop"


@pytest.mark.parametrize(
    ("fault", "can_pass"),
    [
        (Fault.SERVER_ERROR, True),
        (Fault.CLOSE_EARLY, True),
        (Fault.NOT_HTTP, True),
        (Fault.DIE, True),
        (Fault.BAD_REQUEST, False),
        (Fault.GARBAGE, False),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_no_answer_says_whether_it_can_pass(
    engine: HttpEngine, fake: FakeEngine, fault: Fault, can_pass: bool, stream: bool
) -> None:
    fake.fault = fault
    with pytest.raises(NoAnswer) as refused:
        await engine.chat(ASKED, stream=stream, settings=SETTINGS)
    # A stream of garbage has no end, which a broken connection looks like as well.
    assert refused.value.can_pass is (can_pass or (stream and fault is Fault.GARBAGE))


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("0.5", 0.5), ("-1", None), ("nan", None), ("Fri, 31 Dec", None)]
)
async def test_retry_after_is_read(
    engine: HttpEngine, fake: FakeEngine, header: str, seconds: float | None
) -> None:
    fake.script = Script((b"slow down",), status=429, headers=(("Retry-After", header),))
    with pytest.raises(NoAnswer, match="answered 429: slow down") as refused:
        await engine.chat(ASKED, settings=SETTINGS)
    assert (refused.value.can_pass, refused.value.retry_after_s) == (True, seconds)


async def test_a_deadline_can_pass(fake: FakeEngine) -> None:
    fake.fault = Fault.HANG
    async with session(0.2) as client:
        hanging = HttpEngine(client, Address(fake.url, "v1", EngineKind.VLLM), SystemClock())
        with pytest.raises(NoAnswer, match="gave no whole answer in time") as refused:
            await hanging.chat(ASKED, settings=SETTINGS)
    assert refused.value.can_pass


async def test_an_engine_is_not_sent_what_it_would_leave_out(fake: FakeEngine) -> None:
    async with session(30) as client:
        plain = HttpEngine(client, Address(fake.url, "v1", EngineKind.TRANSFORMERS), SystemClock())
        with pytest.raises(BadInput, match="transformers engine takes no ignore_eos"):
            await plain.chat(ASKED, settings={**SETTINGS, "ignore_eos": True})
        with pytest.raises(BadInput, match="cannot tell how likely"):
            await plain.loss("a text")
        await plain.chat(ASKED, stream=True, settings=SETTINGS)
    assert "stream_options" not in fake.seen[0].json


async def test_the_text_before_the_parser_comes_from_token_ids(engine: HttpEngine, fake: FakeEngine) -> None:
    choice = {"message": {"content": "x"}, "token_ids": [104, 105], "finish_reason": "stop"}
    fake.script = Script((json.dumps({"choices": [choice], "prompt": "<tool_call>"}).encode(),), headers=JSON)
    answer = await engine.chat(ASKED, raw=True, settings=SETTINGS)
    assert answer.raw == "<tool_call>"
    assert fake.seen[0].json["return_token_ids"] is True
    assert fake.seen[1].json == {"model": "v1", "tokens": [104, 105]}


async def test_the_loss_of_a_text_is_summed_over_all_tokens_but_the_first(
    engine: HttpEngine, fake: FakeEngine
) -> None:
    told = [None, {"5": {"logprob": -0.5}}, {"6": {"logprob": -1.25}}]
    fake.script = Script((json.dumps({"choices": [{"prompt_logprobs": told}]}).encode(),), headers=JSON)
    loss = await engine.loss("a text")
    assert (loss.nats, loss.tokens) == (1.75, 2)
    fake.script = Script((b'{"choices": [{}]}',), headers=JSON)
    with pytest.raises(BadInput, match="tells no log-probabilities"):
        await engine.loss("a text")


async def test_embeddings_come_in_the_order_of_their_texts(engine: HttpEngine, fake: FakeEngine) -> None:
    first, second = await engine.embed(["a", "b"])
    assert first != second
    rows = [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]
    fake.script = Script((json.dumps({"data": rows}).encode(),), headers=JSON)
    assert await engine.embed(["a", "b"]) == [[1.0], [2.0]]
    for broken in (
        {"data": rows[:1]},
        {"data": [{"index": 0}]},
        {"data": [{**rows[0], "embedding": [float("nan")]}] * 2},
    ):
        fake.script = Script((json.dumps(broken).encode(),), headers=JSON)
        with pytest.raises(NoAnswer):
            await engine.embed(["a", "b"])


JSONISH = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.fixed_dictionaries({"content": JSONISH, "tool_calls": JSONISH})


@given(
    st.fixed_dictionaries(
        {"choices": st.lists(st.fixed_dictionaries({"message": MESSAGES})) | JSONISH, "usage": JSONISH}
    )
)
def test_whatever_an_engine_sends_is_an_answer_or_none(told: dict[str, Any]) -> None:
    with contextlib.suppress(NoCompletion):
        assert isinstance(read_answer(told), Answer)


@given(st.fixed_dictionaries({"choices": st.lists(st.fixed_dictionaries({"delta": MESSAGES})) | JSONISH}))
def test_whatever_an_engine_streams_is_an_answer_or_none(event: dict[str, Any]) -> None:
    stream = AnswerStream()
    try:
        stream.add(b"data: " + json.dumps(event).encode(), 0.1)
    except ValueError:
        return
    assert isinstance(stream.answer(), Answer)


def test_half_a_character_is_replaced() -> None:
    assert text_of("a\ud800b") == "a\ufffdb"
    assert text_of("\U0001f600") == "\U0001f600"
