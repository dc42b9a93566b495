"""The main job on real vLLM: register → shadow → rollback, and the unchanged `openai` client in front of it."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

import openai
import pytest

from examples.task_api.plans import DEPLOYMENT, demo_plan
from examples.task_api.traffic import Traffic
from tests.flows.vllm.loop import ASKED, PLAIN, TASK, TOOLS, Loop
from tests.flows.waiting import wait_for
from training.corpus import ToolCall

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1200)]


def test_models_list_shows_the_deployment_and_no_path(loop: Loop) -> None:
    models = loop.client.models.list().data
    assert [model.id for model in models] == [DEPLOYMENT]
    assert "/" not in models[0].model_dump_json()


def test_a_tool_call_comes_through_as_the_engine_gave_it(loop: Loop) -> None:
    request: dict[str, Any] = {"messages": TASK, "tools": TOOLS, "temperature": 0, "seed": 7}
    routed = loop.client.chat.completions.create(model=DEPLOYMENT, **request)
    with openai.OpenAI(base_url=f"{loop.engine_url('v1')}/v1", api_key="none") as direct_client:
        direct = direct_client.chat.completions.create(model="v1", **request)
    assert routed.model == direct.model == "v1"
    assert routed.choices[0].finish_reason == "tool_calls"
    (call,) = routed.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == wanted()
    assert _lasting(routed.model_dump()) == _lasting(direct.model_dump())


def test_a_stream_brings_tool_call_deltas_and_usage(loop: Loop) -> None:
    raw = loop.client.chat.completions.with_raw_response.create(
        model=DEPLOYMENT,
        messages=TASK,
        tools=TOOLS,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(raw.parse())
    deltas = [call for c in chunks for choice in c.choices for call in choice.delta.tool_calls or ()]
    arguments = "".join(d.function.arguments or "" for d in deltas if d.function)
    # How many there are depends on how fast they are read: vLLM joins those that wait.
    assert deltas
    assert json.loads(arguments) == wanted()[1]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 5
    assert {c.model for c in chunks} == {"v1"}
    assert raw.headers["x-aftertune-release"] == "v1"
    deployment = loop.cast.operator.get(f"/v1/deployments/{DEPLOYMENT}")["deployment"]
    assert raw.headers["x-aftertune-generation"] == str(deployment["generation"])
    assert raw.headers["x-request-id"]


def test_the_client_sees_its_own_errors(loop: Loop) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        loop.client.chat.completions.create(model="task-api-2", messages=PLAIN)
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.AuthenticationError):
        loop.client.with_options(api_key="at_wrong").models.list()
    with pytest.raises(openai.BadRequestError):
        loop.client.chat.completions.create(model=DEPLOYMENT, messages=PLAIN, temperature=-3)
    with pytest.raises(openai.APITimeoutError):
        # An answer of this length takes seconds: no machine is fast enough to be in time.
        loop.client.with_options(timeout=0.05, max_retries=0).chat.completions.create(
            model=DEPLOYMENT, messages=PLAIN, max_tokens=400, extra_body={"ignore_eos": True}
        )
    assert loop.client.chat.completions.create(model=DEPLOYMENT, messages=PLAIN).choices


async def test_the_async_client_has_several_conversations_at_once(loop: Loop) -> None:
    """Each gets the answer to its own request, told by its length: texts depend on chance and on the batch."""
    lengths = [1, 2, 3, 4, 5, 6]
    async with openai.AsyncOpenAI(
        base_url=f"{loop.stack.router_url}/v1", api_key=loop.cast.application_key
    ) as client:
        answers = await asyncio.gather(
            *(
                client.chat.completions.create(
                    model=DEPLOYMENT,
                    messages=PLAIN,
                    user=f"user-{tokens}",
                    max_tokens=tokens,
                    extra_body={"ignore_eos": True},
                )
                for tokens in lengths
            )
        )
    assert [answer.usage and answer.usage.completion_tokens for answer in answers] == lengths
    assert {answer.choices[0].finish_reason for answer in answers} == {"length"}
    assert len({answer.id for answer in answers}) == len(lengths)


def test_a_careless_release_fails_in_shadow_and_a_rollback_is_proven(loop: Loop) -> None:
    operator = loop.cast.operator
    rollout = operator.post("/v1/rollouts", demo_plan("v2").model_dump(mode="json"))["rollout"]
    traffic = Traffic(loop.stack.router_url, loop.cast.application_key, DEPLOYMENT, workers=4, seed=5)
    traffic.start()
    try:
        wait_for(
            lambda: operator.get(f"/v1/rollouts/{rollout['id']}")["rollout"]["state"] == "held",
            "the judge's word",
            seconds=300,
        )
    finally:
        traffic.stop()
    assert not traffic.tally.failures
    assert set(traffic.tally.by_release) == {"v1"}
    verdict = operator.get(f"/v1/rollouts/{rollout['id']}")["verdicts"][0]
    assert verdict["outcome"] == "fail"
    assert all(m["n"] >= 1 and m["reason"] for m in verdict["measurements"] if m["check"] == "comparison")
    _expect_a_mirrored_stream_with_tool_call_deltas(loop)

    command = [sys.executable, "-m", "aftertune", "rollback", DEPLOYMENT, "--reason", "v2 breaks arguments"]
    environment = os.environ | {
        "AFTERTUNE_TOKEN": loop.cast.operator_token,
        "AFTERTUNE_CONSOLE__PORT": loop.stack.console_url.rsplit(":", 1)[1],
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (rollback,) = operator.get(f"/v1/deployments/{DEPLOYMENT}/rollbacks")
    assert (rollback["state"], rollback["from_release"], rollback["to_release"]) == ("completed", "v2", "v1")
    assert rollback["actor"] == "olga"
    assert all(
        proof["ok"] and proof["fingerprint_matches"] == proof["probes"] > 0 for proof in rollback["proofs"]
    )
    assert operator.get("/v1/releases/v2")["quarantine"]
    assert operator.get(f"/v1/deployments/{DEPLOYMENT}")["deployment"]["mode"] == "none"


def wanted() -> tuple[str, dict[str, Any]]:
    """The call that ASKED asks for."""
    assert isinstance(ASKED.expected, ToolCall)
    return ASKED.expected.name, ASKED.expected.arguments_dict()


def _expect_a_mirrored_stream_with_tool_call_deltas(loop: Loop) -> None:
    """Both legs of a stream are recorded, each with the call that its deltas made."""
    raw = loop.client.chat.completions.with_raw_response.create(
        model=DEPLOYMENT, messages=TASK, tools=TOOLS, temperature=0, stream=True
    )
    assert [chunk for chunk in raw.parse() if chunk.choices and chunk.choices[0].delta.tool_calls]
    path = f"/v1/exchanges/{raw.headers['x-request-id']}"
    wait_for(lambda: len(loop.cast.operator.get(path)) == 2, "both legs of the stream")
    legs = loop.cast.operator.get(path)
    assert {(leg["role"], leg["release"]) for leg in legs} == {("stable", "v1"), ("shadow", "v2")}
    assert all(leg["stream"] and leg["tools"] for leg in legs)
    assert len({leg["pair_id"] for leg in legs}) == 1


def _lasting(answer: dict[str, Any]) -> dict[str, Any]:
    """What two runs of the same request share: all but ids, the clock and the model's name."""
    answer = {name: value for name, value in answer.items() if name not in ("id", "created", "model")}
    for choice in answer["choices"]:
        for call in choice["message"].get("tool_calls") or ():
            call.pop("id")
    return answer
