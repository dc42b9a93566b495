"""Feedback over the API and on the pages: who may say what, what is kept, who sees words."""

from datetime import timedelta
from typing import Any

import pytest

from aftertune.identity import new_token
from aftertune.values.api_key import ApiKey
from aftertune.values.exchange import CapturePolicy
from aftertune.values.route import KeyGrant
from tests.console.conftest import Console
from tests.console.seed import DEPLOYMENT, HOSTILE

REQUEST = "request-1"
THUMB: dict[str, Any] = {"request_id": REQUEST, "kind": "thumb", "up": True}
CORRECTION: dict[str, Any] = {"request_id": REQUEST, "kind": "correction", "text": "It is done."}


def capture(console: Console, policy: CapturePolicy) -> None:
    with console.store.write() as tx:
        before = tx.deployments.get(DEPLOYMENT)
        after = before.model_copy(update={"capture": policy, "generation": before.generation + 1})
        tx.deployments.swap(before, after)


def key(console: Console, *deployments: str) -> dict[str, str]:
    """The header of a new application's key."""
    token, now = new_token(), console.clock.now()
    grant = KeyGrant(name=f"app-{len(deployments)}", deployments=deployments or None)
    with console.store.write() as tx:
        tx.api_keys.add(ApiKey(grant=grant, created_by="admin", created_at=now), token)
    return {"authorization": f"Bearer {token}"}


async def test_a_thumb_is_joined_and_counted(console: Console) -> None:
    sent = await console.post("ingest", "/v1/feedback", THUMB)

    assert sent.status_code == 201
    assert sent.json()["deployment"] == DEPLOYMENT
    assert sent.json()["new"] is True
    view = (await console.get("viewer", f"/v1/deployments/{DEPLOYMENT}/feedback")).json()
    (release,) = view["releases"]
    assert (release["release"], release["up"], release["thumbs"], release["share"]) == ("v1", 1, 1, 1.0)
    assert 0.2 < release["low"] < release["high"] == 1.0
    (entry,) = (await console.get("viewer", f"/v1/exchanges/{REQUEST}/feedback")).json()
    assert (entry["given_by"], entry["up"]) == ("ingest", True)


async def test_the_same_id_is_stored_once(console: Console) -> None:
    body = THUMB | {"id": "from-our-app-1"}
    first = await console.post("ingest", "/v1/feedback", body)
    console.clock.advance(60)
    again = await console.post("ingest", "/v1/feedback", body)
    another = await console.post("ingest", "/v1/feedback", body | {"up": False})

    assert [first.json()["new"], again.json()["new"], another.status_code] == [True, False, 409]
    assert first.json()["id"] == "from-our-app-1"


async def test_an_idempotency_key_makes_the_id(console: Console) -> None:
    sent = [await console.post("ingest", "/v1/feedback", THUMB, key="key-12345") for _ in range(2)]

    assert [each.json()["new"] for each in sent] == [True, False]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"request_id": REQUEST, "kind": "thumb"},
        THUMB | {"text": "x"},
        THUMB | {"request_id": "a\nb"},
        THUMB | {"request_id": "x" * 257},
        THUMB | {"comment": "\x1b[31m"},
        THUMB | {"comment": "x" * 10_001},
        THUMB | {"unknown": 1},
        THUMB | {"given_by": "somebody"},
        CORRECTION | {"text": "x" * 100_001},
    ],
)
async def test_what_is_no_feedback(console: Console, body: dict[str, Any]) -> None:
    assert (await console.post("ingest", "/v1/feedback", body)).status_code == 422


async def test_it_may_come_before_its_exchange(console: Console) -> None:
    sent = await console.post("ingest", "/v1/feedback", THUMB | {"request_id": "not-yet"})

    assert (sent.status_code, sent.json()["deployment"]) == (201, None)
    (entry,) = (await console.get("viewer", "/v1/exchanges/not-yet/feedback")).json()
    assert entry["deployment"] is None


@pytest.mark.parametrize("policy", [CapturePolicy.NONE, CapturePolicy.METADATA])
@pytest.mark.parametrize("request_id", [REQUEST, "not-yet"])
async def test_words_are_not_kept_where_payloads_are_not(
    console: Console, policy: CapturePolicy, request_id: str
) -> None:
    capture(console, policy)
    named = {"request_id": request_id}

    assert (await console.post("ingest", "/v1/feedback", CORRECTION | named)).status_code == 409
    assert (
        await console.post("ingest", "/v1/feedback", THUMB | named | {"comment": "Hm"})
    ).status_code == 409
    assert (await console.post("ingest", "/v1/feedback", THUMB | named)).status_code == 201


async def test_words_are_redacted_where_payloads_are(console: Console) -> None:
    capture(console, CapturePolicy.REDACTED)
    said = CORRECTION | {"text": "Write to ana@example.org.", "comment": "Ask bob@example.org"}
    assert (await console.post("ingest", "/v1/feedback", said)).status_code == 201

    (entry,) = (await console.get("reviewer", f"/v1/exchanges/{REQUEST}/feedback")).json()
    assert "example.org" not in str(entry)
    assert entry["text"].startswith("Write to [")


async def test_words_are_for_those_who_may_read_payloads_and_that_is_audited(console: Console) -> None:
    await console.post("ingest", "/v1/feedback", CORRECTION | {"comment": "no!", "end_user": "u-9"})

    for path in (f"/v1/exchanges/{REQUEST}/feedback", f"/v1/deployments/{DEPLOYMENT}/feedback"):
        hidden = (await console.get("viewer", path)).text
        assert "It is done." not in hidden
        assert "no!" not in hidden
        assert "u-9" not in hidden
    assert f"{REQUEST}/feedback" not in console.audited("read_payload")
    shown = (await console.get("reviewer", f"/v1/exchanges/{REQUEST}/feedback")).json()
    assert (shown[0]["text"], shown[0]["comment"]) == ("It is done.", "no!")
    assert f"{REQUEST}/feedback" in console.audited("read_payload")


async def test_the_page_shows_it_and_escapes_it(console: Console) -> None:
    hostile = HOSTILE.replace("\x1b", "")
    await console.post("ingest", "/v1/feedback", CORRECTION | {"text": hostile, "comment": hostile})
    await console.post("ingest", "/v1/feedback", THUMB)

    page = (await console.get("reviewer", f"/deployments/{DEPLOYMENT}")).text
    assert "Share up" in page
    assert "thumb up" in page
    assert "<script>" not in page
    assert "\u202e" not in page
    seen = (await console.get("viewer", f"/deployments/{DEPLOYMENT}")).text
    assert "thumb up" in seen
    assert "alert(1)" not in seen
    assert f"{DEPLOYMENT}/feedback" in console.audited("read_payload")


async def test_a_key_of_an_application_may_speak_of_its_deployments(console: Console) -> None:
    anywhere, here, elsewhere = key(console), key(console, DEPLOYMENT), key(console, "other", "third")

    async def send(headers: dict[str, str], **changes: Any) -> int:
        answer = await console.client.post("/v1/feedback", headers=headers, json=THUMB | changes)
        return answer.status_code

    assert await send(anywhere) == 201
    assert await send(here) == 201
    assert await send(elsewhere) == 403
    assert await send(here, request_id="not-yet") == 201
    assert await send(elsewhere, request_id="not-yet") == 403
    assert await send(elsewhere, request_id="not-yet", deployment="fraud") == 403
    (entry, *_) = (await console.get("viewer", "/v1/exchanges/not-yet/feedback")).json()
    assert entry["deployment"] == DEPLOYMENT
    for path in ("/v1/deployments", f"/v1/exchanges/{REQUEST}/feedback"):
        assert (await console.client.get(path, headers=here)).status_code == 401


async def test_a_key_that_is_over_is_nobody(console: Console) -> None:
    token, now = new_token(), console.clock.now()
    ended = now + timedelta(minutes=1)
    with console.store.write() as tx:
        grant = KeyGrant(name="app")
        tx.api_keys.add(ApiKey(grant=grant, created_by="admin", created_at=now, expires_at=ended), token)
    headers = {"authorization": f"Bearer {token}"}

    assert (await console.client.post("/v1/feedback", headers=headers, json=THUMB)).status_code == 201
    console.clock.advance(61)
    assert (await console.client.post("/v1/feedback", headers=headers, json=THUMB)).status_code == 401


async def test_a_deployment_that_does_not_fit(console: Console) -> None:
    other = await console.post("ingest", "/v1/feedback", THUMB | {"deployment": "fraud"})
    unknown = await console.post(
        "ingest", "/v1/feedback", THUMB | {"request_id": "not-yet", "deployment": "fraud"}
    )

    assert (other.status_code, unknown.status_code) == (409, 404)
