"""Handing out stored prompts and taking a release's answers to them."""

import base64
from typing import Any

import pytest

from aftertune.spool import scan, segments
from aftertune.values.exchange import ExchangeHeader, ExchangeRole
from aftertune.values.release import EngineState
from console import replay
from tests.console.conftest import Console
from tests.console.seed import DEPLOYMENT

PATH = f"/v1/deployments/{DEPLOYMENT}/replay"


def answer(exchange_id: str = "request-1-stable", **changes: Any) -> dict[str, Any]:
    return {
        "exchange_id": exchange_id,
        "status": 200,
        "answer": base64.b64encode(b'{"choices": []}').decode(),
        "first_byte_s": 0.5,
        "last_byte_s": 2.0,
    } | changes


def spooled(console: Console) -> list[tuple[ExchangeHeader, bytes, bytes]]:
    folder = console.roots.parent / "spool" / "replay"
    return [
        (ExchangeHeader.model_validate_json(record.header), record.request, record.answer)
        for segment in (segments(folder) if folder.is_dir() else [])
        for record in scan(segment)
    ]


async def test_prompts_are_handed_out_with_the_engine_that_is_to_answer(console: Console) -> None:
    page = (await console.get("operator", f"{PATH}?release=v3")).json()

    assert page["target"]["served_name"] == "v3"
    assert page["target"]["url"] == "http://127.0.0.1:9001"
    assert "messages" in page["target"]["accepts"]
    assert [prompt["exchange_id"] for prompt in page["prompts"]] == [f"request-{n}-stable" for n in range(3)]
    assert (page["total"], page["done"], page["next"]) == (3, 0, None)
    assert f"{DEPLOYMENT}/replay" in console.audited("read_payload")


async def test_a_release_that_answered_is_not_asked_again(console: Console) -> None:
    page = (await console.get("operator", f"{PATH}?release=v2")).json()

    assert (page["prompts"], page["done"], page["total"]) == ([], 3, 3)


async def test_pages_follow_one_another(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    first = (await console.get("operator", f"{PATH}?release=v3&limit=2")).json()
    second = (await console.get("operator", f"{PATH}?release=v3&limit=2&after={first['next']}")).json()
    monkeypatch.setattr(replay, "PAGE_BYTES", 1)
    small = (await console.get("operator", f"{PATH}?release=v3")).json()

    assert [len(first["prompts"]), len(second["prompts"]), second["next"]] == [2, 1, None]
    assert (len(small["prompts"]), small["next"]) == (1, "request-0-stable")


async def test_an_answer_becomes_a_shadow_leg(console: Console) -> None:
    body = {"release": "v3", "answers": [answer(), answer()]}
    taken = await console.post("operator", PATH, body)

    assert (taken.status_code, taken.json()) == (202, {"accepted": 1, "known": 1})
    ((header, request, raw),) = spooled(console)
    assert (header.release, header.role, header.pair_id) == ("v3", ExchangeRole.SHADOW, "request-1")
    assert (header.router, header.key, header.request_id) == ("replay", "operator", "request-1")
    assert header.last_byte is not None
    assert (header.last_byte - header.arrival).total_seconds() == 2.0
    assert b"messages" in request
    assert raw == b'{"choices": []}'
    assert console.audited("replay") == [DEPLOYMENT]


@pytest.mark.parametrize(
    ("release", "answers", "status"),
    [
        ("v3", [answer("nothing")], 400),
        ("v3", [answer("request-1-candidate")], 400),
        ("v1", [answer()], 400),
        ("v99", [answer()], 404),
        ("v3", [answer(status=99)], 422),
        ("v3", [answer(answer="no base64!")], 422),
        ("v3", [answer(answer=base64.b64encode(b"x" * 600_001).decode())], 422),
        ("v3", [], 422),
    ],
)
async def test_what_was_not_handed_out_is_not_taken(
    console: Console, release: str, answers: list[dict[str, Any]], status: int
) -> None:
    refused = await console.post("operator", PATH, {"release": release, "answers": answers})

    assert refused.status_code == status, refused.text
    assert spooled(console) == []


async def test_an_engine_that_is_not_ready_cannot_be_asked(console: Console) -> None:
    with console.store.write() as tx:
        engine = tx.releases.engine("v3")
        assert engine is not None
        tx.releases.save_engine(engine.model_copy(update={"state": EngineState.FAILED}))

    refused = await console.get("operator", f"{PATH}?release=v3")

    assert refused.status_code == 409
    assert "not ready: failed" in refused.json()["detail"]
