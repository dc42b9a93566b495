"""The real `openai` client, unchanged, sees an OpenAI server."""

import asyncio
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageFunctionToolCall

from aftertune.values.exchange import ExchangeError, ExchangeRole, Source
from tests.fakes.engine import FakeEngine, Fault
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import (
    CHAT_KEY,
    CREATE_TASK,
    DEPLOYMENT,
    TASK,
    client,
    records,
    table,
    target,
    until_recorded,
)

HELLO: Any = [{"role": "user", "content": "hello there"}]
ASK_TASK: Any = [{"role": "user", "content": TASK}]
TOOLS: Any = [CREATE_TASK]


async def test_chat(start: StartRouter, stable: FakeEngine, tmp_path: Path) -> None:
    router = await start(table(target(stable)))
    async with client(router) as ai:
        raw = await ai.chat.completions.with_raw_response.create(
            model=DEPLOYMENT, messages=HELLO, extra_headers={"x-request-id": "req-1"}
        )
    completion = raw.parse()
    assert completion.model == "v1"
    assert (
        completion.choices[0].message.content == "TaskMaster here: I keep your tasks in order, one at a time."
    )
    assert completion.usage is not None
    assert raw.headers["x-request-id"] == "req-1"
    assert raw.headers["x-aftertune-release"] == "r-v1"
    assert raw.headers["x-aftertune-generation"] == "3"
    ((header, record),) = records(tmp_path)
    assert (header.request_id, header.deployment, header.release) == ("req-1", DEPLOYMENT, "r-v1")
    assert (header.role, header.key, header.status, header.error) == (ExchangeRole.STABLE, "app-1", 200, None)
    assert header.pair_id is None
    assert header.first_byte is not None
    assert header.last_byte is not None
    assert header.arrival <= header.first_byte <= header.last_byte <= header.ended
    assert b'"tasks"' in record.request
    assert b'"v1"' in record.answer


async def test_tools(start: StartRouter, stable: FakeEngine) -> None:
    router = await start(table(target(stable)))
    async with client(router) as ai:
        completion = await ai.chat.completions.create(
            model=DEPLOYMENT, messages=ASK_TASK, tools=TOOLS, tool_choice="auto", extra_body={"unknown": [1]}
        )
    calls = completion.choices[0].message.tool_calls
    assert calls is not None
    (call,) = calls
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    assert call.function.arguments == '{"title": "check the pump seals", "priority": "high"}'
    sent = stable.seen[0].json
    assert (sent["model"], sent["tools"], sent["tool_choice"], sent["unknown"]) == ("v1", TOOLS, "auto", [1])


async def test_streaming_with_tools_and_usage(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, tmp_path: Path
) -> None:
    router = await start(table(target(stable), target(candidate)))
    async with client(router) as ai:
        stream = await ai.chat.completions.create(
            model=DEPLOYMENT,
            messages=ASK_TASK,
            tools=TOOLS,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    assert {chunk.model for chunk in chunks} == {"v1"}
    assert chunks[-1].usage is not None
    deltas = [call for c in chunks for choice in c.choices for call in choice.delta.tool_calls or ()]
    arguments = "".join(d.function.arguments or "" for d in deltas if d.function)
    assert arguments == '{"title": "check the pump seals", "priority": "high"}'
    await until_recorded(tmp_path, 2)
    (live, live_record), (shadow, shadow_record) = records(tmp_path)
    assert (live.role, shadow.role) == (ExchangeRole.STABLE, ExchangeRole.SHADOW)
    assert live.pair_id == shadow.pair_id is not None
    assert live.request_id == shadow.request_id
    assert live.exchange_id != shadow.exchange_id
    assert live_record.request == shadow_record.request
    for record in (live_record, shadow_record):
        assert record.answer.endswith(b"data: [DONE]\n\n")
    copied = candidate.seen[0].json
    assert {**stable.seen[0].json, "model": "v2"} == copied


async def test_the_sync_client(start: StartRouter, stable: FakeEngine) -> None:
    router = await start(table(target(stable)))

    def ask() -> tuple[str, str, list[str]]:
        with openai.OpenAI(base_url=f"{router.url}/v1", api_key=CHAT_KEY, max_retries=0) as ai:
            whole = ai.chat.completions.create(model=DEPLOYMENT, messages=HELLO)
            with ai.chat.completions.create(model=DEPLOYMENT, messages=HELLO, stream=True) as stream:
                words = [chunk.choices[0].delta.content or "" for chunk in stream]
            return whole.choices[0].message.content or "", "".join(words), [m.id for m in ai.models.list()]

    text, streamed, listed = await asyncio.to_thread(ask)
    assert streamed == text
    assert listed == [DEPLOYMENT]


async def test_models_show_deployments_and_nothing_of_the_engine(
    start: StartRouter, stable: FakeEngine
) -> None:
    router = await start(table(target(stable)))
    async with client(router) as ai:
        raw = await ai.models.with_raw_response.list()
    assert [(model.id, model.owned_by) for model in raw.parse().data] == [(DEPLOYMENT, "aftertune")]
    assert "v1" not in raw.http_response.text
    assert "/" not in raw.http_response.text


async def test_errors_raise_what_openai_s_own_server_would(start: StartRouter, stable: FakeEngine) -> None:
    router = await start(table(target(stable)))
    async with client(router) as ai:
        with pytest.raises(openai.NotFoundError, match=f"Known deployments: {DEPLOYMENT}") as unknown:
            await ai.chat.completions.create(model="nothing", messages=HELLO)
        assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
        with pytest.raises(openai.AuthenticationError):
            await ai.with_options(api_key="at_other").models.list()
        stable.fault = Fault.BAD_REQUEST
        with pytest.raises(openai.BadRequestError, match="tool_choice needs tools") as bad:
            await ai.chat.completions.create(model=DEPLOYMENT, messages=HELLO)
        assert bad.value.response.headers["x-aftertune-release"] == "r-v1"
        stable.fault = Fault.SERVER_ERROR
        with pytest.raises(openai.InternalServerError, match="the engine broke"):
            await ai.chat.completions.create(model=DEPLOYMENT, messages=HELLO, stream=True)


async def test_a_client_s_timeout_ends_the_engine_s_work(
    start: StartRouter, stable: FakeEngine, tmp_path: Path
) -> None:
    router = await start(table(target(stable)))
    stable.fault = Fault.HANG
    async with client(router, timeout=1.0) as ai:
        with pytest.raises(openai.APITimeoutError):
            await ai.chat.completions.create(model=DEPLOYMENT, messages=HELLO)
    await asyncio.wait_for(stable.abandoned.wait(), 30)
    await until_recorded(tmp_path, 1)
    ((header, _),) = records(tmp_path)
    assert (header.error, header.status) == (ExchangeError.CLIENT_LEFT, 0)
    assert header.first_byte is None
    assert 0.2 <= (header.ended - header.arrival).total_seconds() < 20


async def test_a_client_that_leaves_a_stream_ends_the_engine_s_work(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, tmp_path: Path
) -> None:
    router = await start(table(target(stable), target(candidate)))
    stable.fault = Fault.STALL
    async with client(router) as ai:
        stream = await ai.chat.completions.create(model=DEPLOYMENT, messages=HELLO, stream=True)
        async for _ in stream:
            break
        await stream.close()
    await asyncio.wait_for(stable.abandoned.wait(), 30)
    await until_recorded(tmp_path, 1)
    ((header, record),) = records(tmp_path)
    assert (header.error, header.status, header.pair_id) == (ExchangeError.CLIENT_LEFT, 200, None)
    assert record.answer
    assert not candidate.seen, "half an answer makes no pair"


async def test_conversation_user_and_tenant_come_with_their_sources(
    start: StartRouter, stable: FakeEngine, tmp_path: Path
) -> None:
    router = await start(table(target(stable)))
    async with client(router) as ai:
        for headers, fields in (
            (
                {"x-aftertune-conversation": "c1", "x-aftertune-user": "u1", "x-aftertune-tenant": "t1"},
                {"metadata": {"conversation_id": "no", "tenant": "no"}, "user": "no"},
            ),
            ({}, {"metadata": {"conversation_id": "c2", "tenant": "t2"}, "safety_identifier": "u2"}),
            ({}, {}),
        ):
            await ai.chat.completions.create(
                model=DEPLOYMENT, messages=HELLO, extra_headers=headers, extra_body=fields
            )
    (one, _), (two, _), (three, _) = records(tmp_path)
    assert (one.conversation, one.end_user, one.tenant) == ("c1", "u1", "t1")
    assert {one.conversation_source, one.end_user_source, one.tenant_source} == {Source.HEADER}
    assert (two.conversation, two.end_user, two.tenant) == ("c2", "u2", "t2")
    assert {two.conversation_source, two.end_user_source, two.tenant_source} == {Source.BODY}
    assert (three.end_user, three.tenant) == ("app-1", "default")
    assert {three.conversation_source, three.end_user_source, three.tenant_source} == {Source.FALLBACK}


async def test_the_fallback_conversation_lasts_as_long_as_its_first_user_message(
    start: StartRouter, stable: FakeEngine, tmp_path: Path
) -> None:
    router = await start(table(target(stable)))
    longer = [*HELLO, {"role": "assistant", "content": "hi"}, {"role": "user", "content": "more"}]
    async with client(router) as ai:
        for messages in (HELLO, longer, ASK_TASK):
            await ai.chat.completions.create(model=DEPLOYMENT, messages=messages)
    first, second, other = (header.conversation for header, _ in records(tmp_path))
    assert first == second != other
