"""Exchanges from outside: the door, and what is left for ingest."""

import json
from typing import Any

import pytest

from aftertune.spool import scan, segments
from aftertune.values.exchange import CapturePolicy, ExchangeHeader
from tests.console.conftest import Console
from tests.console.seed import DEPLOYMENT
from tests.console.test_feedback import capture

CHAT = {"model": "x", "messages": [{"role": "user", "content": "hi"}]}
ANSWER = {"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}
LINE: dict[str, Any] = {"request": CHAT, "response": ANSWER, "id": "r-1"}
BATCH: dict[str, Any] = {"lines": [LINE], "deployment": DEPLOYMENT, "release": "v1"}


def spooled(console: Console) -> list[tuple[ExchangeHeader, bytes, bytes]]:
    folder = console.roots.parent / "spool" / "outside"
    return [
        (ExchangeHeader.model_validate_json(record.header), record.request, record.answer)
        for segment in (segments(folder) if folder.is_dir() else [])
        for record in scan(segment)
    ]


async def test_lines_wait_in_the_spool(console: Console) -> None:
    taken = await console.post("operator", "/v1/exchanges", BATCH)

    assert (taken.status_code, taken.json()) == (202, {"accepted": 1, "known": 0})
    ((header, request, answer),) = spooled(console)
    assert (header.deployment, header.release, header.key) == (DEPLOYMENT, "v1", "operator")
    assert (json.loads(request), json.loads(answer)) == (CHAT, ANSWER)
    assert console.audited("add_exchanges") == [DEPLOYMENT]
    assert console.wakes.count == 1


async def test_a_line_that_is_stored_is_not_taken_again(console: Console) -> None:
    await console.post("operator", "/v1/exchanges", BATCH)
    ((header, _, _),) = spooled(console)
    with console.store.write() as tx:
        known = tx.exchanges.get("request-1-stable")
        assert known is not None
        tx.exchanges.add(known.model_copy(update={"exchange_id": header.exchange_id}), None, None)

    again = await console.post("operator", "/v1/exchanges", BATCH)

    assert again.json() == {"accepted": 0, "known": 1}
    assert len(spooled(console)) == 1
    assert len(console.audited("add_exchanges")) == 1


async def test_a_line_that_comes_twice_is_one(console: Console) -> None:
    taken = await console.post("operator", "/v1/exchanges", BATCH | {"lines": [LINE, LINE]})

    assert taken.json() == {"accepted": 1, "known": 1}
    assert len(spooled(console)) == 1


@pytest.mark.parametrize("policy", [CapturePolicy.NONE, CapturePolicy.METADATA])
async def test_the_deployments_capture_policy_holds(console: Console, policy: CapturePolicy) -> None:
    capture(console, policy)
    await console.post("operator", "/v1/exchanges", BATCH)

    ((header, request, answer),) = spooled(console)
    assert (header.capture, request, answer) == (policy, b"", b"")


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (BATCH | {"deployment": "fraud"}, 400, "Known: "),
        (BATCH | {"release": "v99"}, 400, "Known: "),
        (BATCH | {"deployment": None}, 400, "names no deployment"),
        (BATCH | {"release": None}, 400, "names no release"),
        (BATCH | {"lines": [LINE, LINE | {"release": "v99", "id": "2"}]}, 400, "'v99'"),
        (BATCH | {"lines": []}, 422, "lines"),
        (BATCH | {"lines": [LINE | {"request": {}}]}, 422, "none of messages"),
        (BATCH | {"lines": [LINE] * 501}, 422, "lines"),
    ],
)
async def test_nothing_is_taken_of_a_batch_that_is_wrong(
    console: Console, body: dict[str, Any], status: int, says: str
) -> None:
    refused = await console.post("operator", "/v1/exchanges", body)

    assert refused.status_code == status
    assert says in refused.text
    assert spooled(console) == []
