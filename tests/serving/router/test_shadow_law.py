"""The law of the shadow, for every mirrored endpoint: stable's status, headers, bytes and timing are what they were."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median

import pytest
from aiohttp import ClientSession

from aftertune.values.exchange import ExchangeError, ExchangeRole
from aftertune.values.route import Route, RoutingTable, Shadow
from serving.router.app import Router
from tests.fakes.engine import FakeEngine, Fault
from tests.serving.router.asked import EVERY, MIRRORED, PASSED, Answered, Asked, ask
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import CREATE_TASK, records, table, target, until_recorded

REFUSED = "refused"
FAULTS = [fault.value for fault in Fault if fault is not Fault.NONE] + [REFUSED]
SHADOW_DEADLINE_S = 60.0
PATIENCE_S = 15.0
"""Far below the shadow's deadline, far above any machine's noise: who waited for a shadow is over it."""
SHORT_DEADLINE_S = 2.0
"""For a test that waits until copies that hang are given up."""
ROUNDS = 2
LONG = "x" * 900_000


async def break_engine(engine: FakeEngine, fault: str) -> None:
    if fault == REFUSED:
        await engine.stop()
    else:
        engine.fault = Fault(fault)


async def answers(
    session: ClientSession, router: Router, asked: dict[str, Asked]
) -> tuple[dict[str, Answered], list[float]]:
    """The answers one after the other, and the seconds each took."""
    seen, took = {}, []
    for name, each in asked.items():
        began = time.perf_counter()
        seen[name] = await ask(session, router, each, {"x-request-id": name})
        took.append(time.perf_counter() - began)
    return seen, took


@pytest.mark.parametrize("fault", FAULTS)
async def test_users_cannot_tell(
    start: StartRouter,
    stable: FakeEngine,
    candidate: FakeEngine,
    session: ClientSession,
    fault: str,
) -> None:
    plain = await start(table(target(stable)), name="router-2")
    router = await start(table(target(stable), target(candidate)), mirror_timeout_s=SHADOW_DEADLINE_S)
    await break_engine(candidate, fault)
    alone, mirrored = [], []
    for _ in range(ROUNDS):
        expected, took = await answers(session, plain, MIRRORED)
        alone += took
        assert {answer.status for answer in expected.values()} == {200}
        seen, took = await answers(session, router, MIRRORED)
        mirrored += took
        assert seen == expected
    assert median(mirrored) < median(alone) + PATIENCE_S


@pytest.mark.parametrize("fault", [Fault.DEAF, Fault.HANG, REFUSED])
async def test_a_shadow_that_takes_no_bytes_holds_nobody_up(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession, fault: str
) -> None:
    router = await start(table(target(stable), target(candidate)), mirror_timeout_s=SHADOW_DEADLINE_S)
    await break_engine(candidate, fault)
    chat = MIRRORED["chat"]
    long = Asked(chat.path, {**chat.fields, "metadata": {"padding": LONG}})
    seen = await asyncio.gather(*(ask(session, router, long) for _ in range(8)))
    assert {answer.status for answer in seen} == {200}
    began = time.perf_counter()
    assert (await ask(session, router, chat)).status == 200
    assert time.perf_counter() - began < PATIENCE_S


@pytest.mark.parametrize("fault", [Fault.NONE, Fault.HANG, Fault.SERVER_ERROR, REFUSED])
async def test_mirroring_one_endpoint_is_harmless_on_the_others(
    start: StartRouter,
    stable: FakeEngine,
    candidate: FakeEngine,
    session: ClientSession,
    tmp_path: Path,
    fault: str,
) -> None:
    router = await start(table(target(stable)), mirror_timeout_s=SHADOW_DEADLINE_S)
    expected, _ = await answers(session, router, EVERY)
    await break_engine(candidate, fault)
    router.routing.accept(table(target(stable), target(candidate), revision=2))
    for _ in range(2):
        seen = await asyncio.gather(
            *(ask(session, router, each, {"x-request-id": name}) for name, each in EVERY.items())
        )
        assert dict(zip(EVERY, seen, strict=True)) == expected
    await until_recorded(tmp_path, 3 * len(EVERY))
    live = [header for header, _ in records(tmp_path) if header.role is ExchangeRole.STABLE]
    assert [header.error for header in live] == [None] * 3 * len(EVERY)
    unmirrored = {header.endpoint.value for header in live[len(EVERY) :] if header.pair_id is None}
    assert unmirrored == {each.path for each in PASSED.values()}


async def test_only_what_a_model_says_is_mirrored(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    router = await start(table(target(stable), target(candidate)))
    await answers(session, router, PASSED | MIRRORED)
    await until_recorded(tmp_path, len(PASSED) + 2 * len(MIRRORED))
    assert sorted(seen.path for seen in candidate.seen) == sorted(each.path for each in MIRRORED.values())
    pairs = {header.pair_id for header, _ in records(tmp_path) if header.pair_id}
    assert len(pairs) == len(MIRRORED)


async def test_a_copy_is_the_request_but_for_the_model_s_name(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    router = await start(table(target(stable), target(candidate)))
    chat = Asked(
        "/v1/chat/completions",
        {**MIRRORED["chat stream"].fields, "n": 3, "logit_bias": {"7": -1}, "stop": ["é"], "x": 1e3},
    )
    headers = {"x-request-id": "req-9", "cookie": "s=secret", "x-api-key": "secret", "x-vendor": "kept"}
    await ask(session, router, chat, headers)
    await until_recorded(tmp_path, 2)
    (live,), (copy,) = stable.seen, candidate.seen
    assert live.body.replace(b'"v1"', b'"v2"') == copy.body == chat.raw("v2")
    assert live.headers["x-request-id"] == copy.headers["x-request-id"] == "req-9"
    assert copy.headers["x-vendor"] == "kept"
    assert not {"authorization", "cookie", "x-api-key"} & set(copy.headers)


@pytest.mark.parametrize("name", list(MIRRORED))
async def test_a_copy_starts_when_the_live_answer_has_ended(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession, name: str
) -> None:
    router = await start(table(target(stable), target(candidate)))
    stable.steps = asyncio.Semaphore(0)
    asking = asyncio.create_task(ask(session, router, MIRRORED[name]))
    await asyncio.wait_for(stable.arrived.wait(), 30)
    stable.steps.release()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not candidate.arrived.is_set()
    for _ in range(100):
        stable.steps.release()
    assert (await asking).status == 200
    await asyncio.wait_for(candidate.arrived.wait(), 30)


@pytest.mark.parametrize(
    "fields",
    [
        {"previous_response_id": "resp_1"},
        {"background": True},
        {"input": [{"type": "item_reference", "id": "msg_1"}]},
        {"conversation": "conv_1"},
    ],
)
async def test_a_request_that_needs_the_engine_s_memory_is_not_copied(
    start: StartRouter,
    stable: FakeEngine,
    candidate: FakeEngine,
    session: ClientSession,
    fields: dict[str, object],
) -> None:
    router = await start(table(target(stable), target(candidate)))
    stateful = Asked("/v1/responses", {**MIRRORED["responses"].fields, **fields})
    assert (await ask(session, router, stateful)).status == 200
    await ask(session, router, MIRRORED["responses"])
    await asyncio.wait_for(candidate.arrived.wait(), 30)
    assert [seen.json for seen in candidate.seen] == [{"model": "v2", **MIRRORED["responses"].fields}]
    assert await dropped(session, router, "stateful") == 1


@pytest.fixture
async def others() -> AsyncIterator[tuple[FakeEngine, FakeEngine]]:
    """Two further releases."""
    async with FakeEngine("v3") as dead, FakeEngine("v4") as good:
        yield dead, good


async def test_several_shadows_at_once_one_of_them_dead(
    start: StartRouter,
    stable: FakeEngine,
    candidate: FakeEngine,
    others: tuple[FakeEngine, FakeEngine],
    session: ClientSession,
    tmp_path: Path,
) -> None:
    dead, good = others
    router = await start(table(target(stable)), mirror_timeout_s=SHORT_DEADLINE_S)
    expected, _ = await answers(session, router, MIRRORED)
    candidate.fault = Fault.HANG
    await dead.stop()
    route = table(target(stable), target(candidate)).routes[0].model_dump()
    route["shadows"] = tuple(Shadow(target=target(engine), share=1.0) for engine in others)
    keys = table(target(stable)).keys
    router.routing.accept(RoutingTable(revision=2, routes=(Route.model_validate(route),), keys=keys))
    for _ in range(2):
        seen, took = await answers(session, router, MIRRORED)
        assert seen == expected
        assert median(took) < 0.75 * SHORT_DEADLINE_S
    copies = 2 * len(MIRRORED)
    await until_recorded(tmp_path, len(MIRRORED) + 4 * copies)
    ended: dict[str, list[ExchangeError | None]] = {}
    for header, _ in records(tmp_path):
        if header.role is ExchangeRole.SHADOW:
            ended.setdefault(header.release, []).append(header.error)
    assert ended["r-v4"] == [None] * copies, "the good one misses nothing while the others fail"
    assert set(ended["r-v3"]) == {ExchangeError.UNREACHABLE}
    assert set(ended["r-v2"]) == {ExchangeError.TIMEOUT}
    assert len(good.seen) == copies


async def test_a_tool_call_of_a_shadow_stays_an_answer(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    """Nothing follows a shadow's tool call: one request to it, its answer in the spool, no word to the client."""
    router = await start(table(target(stable), target(candidate)))
    chat = MIRRORED["chat"]
    assert chat.fields["tools"] == [CREATE_TASK]
    answer = await ask(session, router, chat)
    await until_recorded(tmp_path, 2)
    assert b"create_task" in records(tmp_path)[1][1].answer
    assert len(candidate.seen) == 1
    assert answer.header("x-aftertune-release") == "r-v1"


async def dropped(session: ClientSession, router: Router, reason: str) -> float:
    """How many copies were dropped for this reason, as Prometheus sees it."""
    async with session.get(f"{router.admin_url}/metrics") as scraped:
        lines = (await scraped.text()).splitlines()
    counted = [line for line in lines if line.startswith("aftertune_mirror_dropped_total{")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in counted if f'reason="{reason}"' in line)
