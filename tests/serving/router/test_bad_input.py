"""Bad requests get an OpenAI-shaped error that says what to do; no engine hears of them."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession

from aftertune.values.exchange import CapturePolicy
from tests.fakes.engine import FakeEngine
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import body, post, records, table, target

MESSAGES = b'"messages":[{"role":"user","content":"x"}]'


@pytest.mark.parametrize(
    ("content", "status", "code", "param"),
    [
        (b"", 400, "invalid_json", None),
        (b"{", 400, "invalid_json", None),
        (b"[]", 400, "invalid_json", None),
        (b"\xff\xfe", 400, "invalid_json", None),
        (b'{"model":"tasks","messages":["\xff"]}', 400, "invalid_json", None),
        (b"[" * 100_000, 400, "invalid_json", None),
        (b'{"a":' * 100_000, 400, "invalid_json", None),
        (b"{%s}" % MESSAGES, 400, "missing_required_parameter", "model"),
        (b'{"model":7,%s}' % MESSAGES, 400, "missing_required_parameter", "model"),
        (b'{"model":"",%s}' % MESSAGES, 400, "missing_required_parameter", "model"),
        (b'{"model":"tasks"}', 400, "missing_required_parameter", "messages"),
        (b'{"model":"tasks","messages":"x"}', 400, "missing_required_parameter", "messages"),
        (b'{"model":"v1",%s}' % MESSAGES, 404, "model_not_found", "model"),
        (b'{"model":"tasks","x":"' + b"x" * 20_000 + b'",%s}' % MESSAGES, 413, "request_too_large", None),
    ],
)
async def test_refused(
    start: StartRouter,
    stable: FakeEngine,
    session: ClientSession,
    tmp_path: Path,
    content: bytes,
    status: int,
    code: str,
    param: str | None,
) -> None:
    limit = 10_000_000 if status != 413 else 10_000
    router = await start(table(target(stable)), max_body_bytes=limit)
    answered, headers, raw = await post(session, router, content, headers={"x-request-id": "req-7"})
    error = json.loads(raw)["error"]
    assert (answered, error["code"], error["param"]) == (status, code, param)
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert headers["x-request-id"] == "req-7"
    assert not stable.seen
    assert not records(tmp_path)


async def test_without_a_table_the_router_asks_for_patience(
    start: StartRouter, session: ClientSession
) -> None:
    router = await start()
    status, headers, raw = await post(session, router)
    assert (status, headers["retry-after"]) == (503, "1")
    assert json.loads(raw)["error"]["code"] == "no_routing_table"
    async with session.get(f"{router.url}/healthz") as health:
        assert health.status == 503
    async with session.get(f"{router.admin_url}/healthz") as health:
        assert (health.status, (await health.json())["status"]) == (503, "no routing table")


async def test_unusable_names_fall_back_and_break_nothing(
    start: StartRouter, stable: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    router = await start(table(target(stable)))
    metadata: dict[str, Any] = {"conversation_id": ["x"], "tenant": "a\nb"}
    odd = {"x-request-id": "r" * 300, "content-type": "text/plain"}
    raw = json.dumps(body(metadata=metadata, user="x" * 1000)).encode()
    status, headers, _ = await post(session, router, raw, headers=odd)
    assert status == 200
    ((header, _),) = records(tmp_path)
    assert headers["x-request-id"] == header.request_id != odd["x-request-id"]
    assert (header.end_user, header.tenant) == ("app-1", "default")
    assert stable.seen[0].headers["content-type"] == "application/json"


async def test_header_bytes_that_are_no_text_name_nobody(
    start: StartRouter, stable: FakeEngine, tmp_path: Path
) -> None:
    router = await start(table(target(stable)))
    content = json.dumps(body()).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(router.url).port)
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer at_chat\r\n"
        b"connection: close\r\nx-aftertune-user: \xff\r\nx-vendor: \xfe\r\nx-request-id: \xfd\r\n"
        b"content-length: %d\r\n\r\n%s" % (len(content), content)
    )
    assert (await reader.readline()).split()[1] == b"200"
    await reader.read()
    writer.close()
    await writer.wait_closed()
    assert stable.seen[0].headers["x-vendor"].encode(errors="surrogateescape") == b"\xfe"
    assert stable.seen[0].headers["x-request-id"].isascii()
    assert records(tmp_path)[0][0].end_user == "app-1"


async def test_more_unknown_fields_than_a_header_holds(
    start: StartRouter, stable: FakeEngine, session: ClientSession
) -> None:
    router = await start(table(target(stable, accepts=("model", "messages"))))
    unknown = {f"field-{number}": 1 for number in range(5000)} | {"x" * 9000: 1, "a\r\nb": 1}
    status, headers, _ = await post(session, router, {**unknown, **body()})
    assert status == 200
    assert headers["x-aftertune-dropped-fields"].count(",") == 31


async def test_fields_the_engine_does_not_take_are_left_out_and_named(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    live = target(stable, accepts=("model", "messages", "stream"))
    router = await start(table(live, target(candidate)))
    asked = body(tool_choice="auto", n=1, stream=False)
    _, headers, _ = await post(session, router, asked)
    assert headers["x-aftertune-dropped-fields"] == "tool_choice, n"
    assert set(stable.seen[0].json) == {"model", "messages", "stream"}
    await candidate.arrived.wait()
    assert candidate.seen[0].json == {**asked, "model": "v2"}
    assert json.loads(records(tmp_path)[0][1].request) == asked


@pytest.mark.parametrize("capture", list(CapturePolicy))
async def test_payload_is_spooled_only_to_be_stored_or_redacted(
    start: StartRouter,
    stable: FakeEngine,
    session: ClientSession,
    tmp_path: Path,
    capture: CapturePolicy,
) -> None:
    router = await start(table(target(stable), capture=capture))
    for stream in (False, True):
        await post(session, router, body(stream=stream))
    for header, record in records(tmp_path):
        assert header.capture is capture
        assert (
            bool(record.request)
            == bool(record.answer)
            == (capture in (CapturePolicy.FULL, CapturePolicy.REDACTED))
        )
        assert bool(header.conversation) == bool(header.end_user) == (capture is not CapturePolicy.NONE)
    assert len(records(tmp_path)) == 2


async def test_credentials_stay_at_the_router(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    router = await start(table(target(stable), target(candidate)))
    secrets = {"cookie": "s=secret-1", "x-api-key": "secret-2", "proxy-authorization": "secret-3"}
    harmless = {"traceparent": "00-1-2-01", "x-aftertune-user": "u", "x-vendor": "kept"}
    await post(session, router, headers={**secrets, **harmless})
    await candidate.arrived.wait()
    for engine in (stable, candidate):
        (seen,) = engine.seen
        assert not {"authorization", *secrets, "x-aftertune-user"} & set(seen.headers)
        assert (seen.headers["traceparent"], seen.headers["x-vendor"]) == ("00-1-2-01", "kept")
        assert seen.headers["content-type"] == "application/json"
    stored = b"".join(file.read_bytes() for file in (tmp_path / "spool").rglob("*.seg"))
    assert b"at_chat" not in stored
    assert b"secret-" not in stored
