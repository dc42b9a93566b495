"""Another release answers: previous good while stable is down, stable where the candidate does not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from aftertune.headers import RELEASE
from aftertune.values.exchange import ExchangeError, ExchangeRole
from aftertune.values.route import Mode, RoutingTable
from serving.router.app import Router
from tests.fakes.engine import FakeEngine, Fault
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import DEPLOYMENT, post, records, table, target, until_recorded

FAILURES = 3
"""So many requests of stable fail before its circuit opens."""


@pytest.fixture
async def previous() -> AsyncIterator[FakeEngine]:
    async with FakeEngine("v0") as engine:
        yield engine


def falling_back(stable: FakeEngine, previous: FakeEngine) -> RoutingTable:
    plain = table(target(stable))
    route = plain.routes[0].model_copy(update={"fallback": target(previous)})
    return plain.model_copy(update={"routes": (route,)})


async def answered_by(session: ClientSession, router: Router) -> str:
    """The release that answered; a status for one that did not."""
    status, headers, _ = await post(session, router)
    return headers[RELEASE] if status == 200 else str(status)


async def until_answered_by(session: ClientSession, router: Router, release: str) -> None:
    async with asyncio.timeout(60):
        while await answered_by(session, router) != release:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_previous_good_answers_until_stable_is_back(
    start: StartRouter, session: ClientSession, stable: FakeEngine, previous: FakeEngine, tmp_path: Path
) -> None:
    router = await start(falling_back(stable, previous), probe_interval_s=0.1)
    assert await answered_by(session, router) == "r-v1"
    assert router.lease().fallen_back == {}

    await stable.stop()
    answers = [await answered_by(session, router) for _ in range(FAILURES + 5)]
    assert answers == ["503"] * FAILURES + ["r-v0"] * 5
    assert router.lease().fallen_back == {DEPLOYMENT: "r-v0"}
    assert router.lease().generations == {DEPLOYMENT: 3}, "nothing was switched"

    await stable.start()
    await until_answered_by(session, router, "r-v1")
    assert router.lease().fallen_back == {}
    await until_recorded(tmp_path, FAILURES + 6)
    stood_in = [header for header, _ in records(tmp_path) if header.release == "r-v0"]
    assert len(stood_in) >= 5
    assert {(header.role, header.error) for header in stood_in} == {(ExchangeRole.STABLE, None)}


async def test_when_both_are_down_stable_is_tried(
    start: StartRouter, session: ClientSession, stable: FakeEngine, previous: FakeEngine
) -> None:
    router = await start(falling_back(stable, previous), probe_interval_s=30)
    await stable.stop()
    await previous.stop()
    assert {await answered_by(session, router) for _ in range(4 * FAILURES)} == {"503"}
    assert router.lease().fallen_back == {}
    await stable.start()
    assert await answered_by(session, router) == "r-v1", "an open circuit makes no outage"


async def test_an_engine_that_does_not_answer_in_time_is_left_too(
    start: StartRouter, session: ClientSession, stable: FakeEngine, previous: FakeEngine
) -> None:
    router = await start(falling_back(stable, previous), probe_interval_s=60, first_byte_timeout_s=0.2)
    stable.fault = Fault.HANG
    assert [await answered_by(session, router) for _ in range(FAILURES)] == ["504"] * FAILURES
    await until_answered_by(session, router, "r-v0")
    assert len(stable.seen) == FAILURES


async def test_an_engine_that_hangs_and_looks_healthy_holds_one_request_at_a_time(
    start: StartRouter, session: ClientSession, stable: FakeEngine, previous: FakeEngine
) -> None:
    router = await start(falling_back(stable, previous), probe_interval_s=0.1, first_byte_timeout_s=2.0)
    stable.fault = Fault.HANG
    given_up = await asyncio.gather(*(answered_by(session, router) for _ in range(FAILURES)))
    assert given_up == ["504"] * FAILURES
    trials = []
    async with asyncio.timeout(60):
        while len(stable.seen) == FAILURES:  # a probe lets one through, which hangs
            trials.append(asyncio.create_task(answered_by(session, router)))
            await asyncio.wait(trials[-1:], timeout=0.05)
    answers = await asyncio.gather(*(answered_by(session, router) for _ in range(20)))
    assert answers.count("r-v0") >= 10, "each further probe lets one more through, but no crowd"
    await asyncio.gather(*trials)


async def test_without_a_plans_word_nothing_stands_in(
    start: StartRouter, session: ClientSession, stable: FakeEngine
) -> None:
    router = await start(table(target(stable)))
    await stable.stop()
    assert {await answered_by(session, router) for _ in range(2 * FAILURES)} == {"503"}


async def test_a_canarys_user_does_not_feel_its_failure_and_the_record_tells_it(
    start: StartRouter, session: ClientSession, stable: FakeEngine, candidate: FakeEngine, tmp_path: Path
) -> None:
    canary = table(target(stable), target(candidate), Mode.CANARY, share=1.0, mirror=0.0)
    router = await start(canary, probe_interval_s=30)
    assert await answered_by(session, router) == "r-v2"
    await candidate.stop()
    assert {await answered_by(session, router) for _ in range(FAILURES + 2)} == {"r-v1"}

    await until_recorded(tmp_path, 1 + FAILURES + FAILURES + 2)
    told = [header for header, _ in records(tmp_path)]
    failed = [header for header in told if header.release == "r-v2" and header.error]
    assert {(header.role, header.error) for header in failed} == {
        (ExchangeRole.CANARY, ExchangeError.UNREACHABLE)
    }
    assert len(failed) == FAILURES
    stood_in = [header for header in told if header.release == "r-v1"]
    assert {(header.role, header.error) for header in stood_in} == {(ExchangeRole.STABLE, None)}
    assert {header.request_id for header in failed} <= {header.request_id for header in stood_in}
