"""The law of the shadow: whatever it does, users cannot tell."""

import asyncio
import re
import time
from pathlib import Path

import pytest
from aiohttp import ClientSession

from aftertune.values.exchange import ExchangeError, ExchangeHeader, ExchangeRole
from aftertune.values.route import Mode
from serving.router.app import Router
from tests.fakes.engine import FakeEngine, Fault
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import (
    CONTROL,
    CREATE_TASK,
    TASK,
    body,
    post,
    records,
    settings,
    table,
    target,
    until_recorded,
)

FAULTS = [fault for fault in Fault if fault is not Fault.NONE]
ASKED = body(TASK, tools=[CREATE_TASK])


def shadows(home: Path) -> list[ExchangeHeader]:
    return [header for header, _ in records(home) if header.role is ExchangeRole.SHADOW]


async def answers(session: ClientSession, router: Router) -> list[tuple[int, dict[str, str], bytes]]:
    """Status, headers (without the clock's) and bytes of a whole and a streamed answer."""
    seen = []
    for stream in (False, True):
        status, headers, raw = await post(
            session, router, {**ASKED, "stream": stream}, headers={"x-request-id": f"req-{stream}"}
        )
        headers.pop("date", None)
        seen.append((status, headers, raw))
    return seen


@pytest.mark.parametrize("fault", [*FAULTS, "dead"])
async def test_the_live_answer_is_what_it_was(
    start: StartRouter,
    stable: FakeEngine,
    candidate: FakeEngine,
    session: ClientSession,
    tmp_path: Path,
    fault: Fault | str,
) -> None:
    router = await start(table(target(stable)), mirror_timeout_s=60.0)
    expected = await answers(session, router)
    if fault == "dead":
        await candidate.stop()
    else:
        candidate.fault = Fault(fault)
    router.routing.accept(table(target(stable), target(candidate), revision=2))
    began = time.monotonic()
    for _ in range(3):
        assert await answers(session, router) == expected
    assert time.monotonic() - began < 30, "the shadow's deadline is 60 s: nobody may have waited for it"
    live = [header for header, _ in records(tmp_path) if header.role is ExchangeRole.STABLE]
    assert [header.error for header in live] == [None] * 8
    assert [header.request_id for header in live[2:]] == ["req-False", "req-True"] * 3
    assert len({header.pair_id for header in live[2:]} - {None}) == 6, "request ids repeat, pair ids do not"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.HANG, ExchangeError.TIMEOUT),
        (Fault.SLOW, ExchangeError.TIMEOUT),
        (Fault.SERVER_ERROR, ExchangeError.ENGINE_ERROR),
        (Fault.HUGE, ExchangeError.TRUNCATED),
        (Fault.DIE, ExchangeError.TRUNCATED),
        (Fault.CLOSE_EARLY, ExchangeError.UNREACHABLE),
        (Fault.NOT_HTTP, ExchangeError.ENGINE_ERROR),
        (Fault.GARBAGE, None),
    ],
)
async def test_the_shadow_s_own_end_is_recorded(
    start: StartRouter,
    stable: FakeEngine,
    candidate: FakeEngine,
    session: ClientSession,
    tmp_path: Path,
    fault: Fault,
    error: ExchangeError | None,
) -> None:
    patience_s = 1.0 if error is ExchangeError.TIMEOUT else 20.0
    router = await start(table(target(stable), target(candidate)), mirror_timeout_s=patience_s)
    candidate.fault = fault
    await post(session, router, ASKED)
    await until_recorded(tmp_path, 2)
    (header,) = shadows(tmp_path)
    assert header.error is error
    assert len(records(tmp_path)[1][1].answer) <= 1_000_000


async def test_a_full_queue_drops_copies_and_says_so(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    router = await start(table(target(stable), target(candidate)), mirror_timeout_s=100.0)
    candidate.fault = Fault.HANG
    statuses = await asyncio.gather(*(post(session, router) for _ in range(300)))
    assert {status for status, _, _ in statuses} == {200}
    found = re.search(
        r'aftertune_mirror_dropped_total{reason="queue_full"} (\d+)', router.metrics.render().decode()
    )
    assert found is not None
    unpaired = [header for header, _ in records(tmp_path) if header.pair_id is None]
    assert len(unpaired) == int(found[1]) >= 300 - 256 - 4


async def test_waiting_copies_take_so_much_memory_and_no_more(
    stable: FakeEngine, candidate: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    known = settings(tmp_path, mirror_timeout_s=100.0)
    mirror = known.mirror.model_copy(update={"queue_bytes": 20_000, "concurrency": 1})
    candidate.fault = Fault.HANG
    async with Router(known.model_copy(update={"mirror": mirror}), CONTROL) as router:
        router.routing.accept(table(target(stable), target(candidate)))
        asked = body("x" * 9_000)
        statuses = await asyncio.gather(*(post(session, router, asked) for _ in range(8)))
        assert {status for status, _, _ in statuses} == {200}
        shown = router.metrics.render().decode()
    assert 'aftertune_mirror_dropped_total{reason="memory"} 6.0' in shown
    assert "aftertune_mirror_pending 1.0" in shown


async def test_copies_for_a_release_that_left_are_dropped_and_never_blamed_on_it(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    router = await start(table(target(stable), target(candidate)), mirror_timeout_s=100.0)
    candidate.fault = Fault.HANG
    for _ in range(10):
        await post(session, router, ASKED)
    router.routing.accept(table(target(stable), revision=2))
    under_way = 4
    await candidate.stop()  # which ends them
    await until_recorded(tmp_path, 10 + under_way)
    assert len(shadows(tmp_path)) == under_way
    dropped = r'aftertune_mirror_dropped_total{reason="not_routed"} (\d+)'
    found = re.search(dropped, router.metrics.render().decode())
    assert found is not None
    assert int(found[1]) == 10 - under_way


async def test_a_release_that_left_while_the_live_answer_was_made_gets_no_copy(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    router = await start(table(target(stable), target(candidate)))
    stable.fault = Fault.HANG
    asked = asyncio.create_task(post(session, router))
    await asyncio.wait_for(stable.arrived.wait(), 60)
    router.routing.accept(table(target(stable), revision=2))
    await stable.stop()  # which ends the answer
    assert (await asked)[0] == 503
    dropped = b'aftertune_mirror_dropped_total{reason="not_routed"} 1.0'
    async with asyncio.timeout(60):
        while dropped not in router.metrics.render() and not candidate.seen:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert not candidate.seen
    assert not shadows(tmp_path)


async def test_a_live_leg_that_failed_is_still_compared(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    router = await start(table(target(stable), target(candidate)))
    stable.fault = Fault.SERVER_ERROR
    await post(session, router)
    await until_recorded(tmp_path, 2)
    (live, _), (shadow, _) = records(tmp_path)
    assert (live.error, shadow.error) == (ExchangeError.ENGINE_ERROR, None)
    assert live.pair_id == shadow.pair_id is not None


async def test_in_canary_the_copy_goes_to_the_other_release(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    router = await start(table(target(stable), target(candidate), Mode.CANARY, share=0.5))
    for number in range(12):
        headers = {"x-aftertune-conversation": f"c{number}"}
        _, answered, _ = await post(session, router, headers=headers)
        assert answered["x-aftertune-release"] in {"r-v1", "r-v2"}
    await until_recorded(tmp_path, 24)
    pairs: dict[str, dict[ExchangeRole, str]] = {}
    for header, _ in records(tmp_path):
        assert header.pair_id is not None
        pairs.setdefault(header.pair_id, {})[header.role] = header.release
    seen = [tuple(sorted((role.value, release) for role, release in pair.items())) for pair in pairs.values()]
    assert set(seen) == {
        (("canary", "r-v2"), ("shadow", "r-v1")),
        (("shadow", "r-v2"), ("stable", "r-v1")),
    }


async def test_copies_under_way_are_finished_by_a_stop(
    stable: FakeEngine,
    candidate: FakeEngine,
    session: ClientSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.serving.router.stack import CONTROL, settings

    monkeypatch.setattr("serving.router.app.MIRROR_DRAIN_S", 30.0)
    candidate.pause_s = 0.3
    async with Router(settings(tmp_path), CONTROL) as router:
        router.routing.accept(table(target(stable), target(candidate)))
        for _ in range(6):
            await post(session, router)
    assert len(shadows(tmp_path)) == 6
