"""Errors are RFC 9457 problem details, whoever raised them."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.console.conftest import Console
from tests.console.seed import DEPLOYMENT, plan


def assert_problem(answer: httpx.Response, status: int) -> dict[str, object]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "remedy", "errors"}
    assert body["status"] == status
    assert str(body["type"]).startswith("urn:aftertune:problem:")
    assert body["title"]
    assert body["detail"]
    return body


async def test_an_unknown_name_lists_the_known_ones(console: Console) -> None:
    body = assert_problem(await console.get("viewer", "/v1/deployments/nothing"), 404)
    assert body["type"] == "urn:aftertune:problem:not-found"
    assert DEPLOYMENT in str(body["remedy"])


async def test_unknown_paths_and_methods(console: Console) -> None:
    assert_problem(await console.client.get("/v1/nothing"), 404)
    assert_problem(await console.client.delete("/v1/releases"), 405)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"name": "x", "roles": ["viewer"], "admin": true}',
        b'{"name": "x", "roles": ["owner"]}',
        b'{"name": "x", "roles": []}',
        b'{"name": "\\ud800", "roles": ["viewer"]}',
        b'{"name": "../x", "roles": ["viewer"]}',
        b'{"name": NaN, "roles": ["viewer"]}',
    ],
)
async def test_bodies_that_do_not_fit(console: Console, content: bytes) -> None:
    headers = console.headers("admin") | {"content-type": "application/json"}
    answer = await console.client.post("/v1/users", headers=headers, content=content)
    assert_problem(answer, answer.status_code)
    assert answer.status_code in (400, 422)


async def test_a_bad_field_is_named_and_what_was_sent_is_not_repeated(console: Console) -> None:
    answer = await console.post("admin", "/v1/users", {"name": "x", "roles": ["viewer"], "secret": "hunter2"})
    body = assert_problem(answer, 422)
    assert body["errors"] == [{"field": "body.secret", "message": "Extra inputs are not permitted"}]
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("number", ["Infinity", "1e999", str(10**40)])
async def test_numbers_that_no_plan_can_hold(console: Console, number: str) -> None:
    body = plan("v3").model_dump_json().replace("86400.0", number, 1)
    assert number in body
    headers = console.headers("operator") | {"content-type": "application/json"}
    answer = await console.client.post("/v1/rollouts", headers=headers, content=body)
    assert answer.status_code in (400, 409, 422)
    assert_problem(answer, answer.status_code)


async def test_a_body_that_is_too_large(console: Console) -> None:
    answer = await console.post("admin", "/v1/users", {"name": "x" * 1_000_001, "roles": ["viewer"]})
    assert_problem(answer, 413)


async def test_a_body_that_turns_out_to_be_too_large(console: Console) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 100_000

    headers = console.headers("admin") | {"content-type": "application/json"}
    answer = await console.client.post("/v1/users", headers=headers, content=pieces())
    assert_problem(answer, 413)


async def test_a_lost_database_is_unavailable(console: Console) -> None:
    with console.store.engine.connect() as connection:
        connection.exec_driver_sql("DROP TABLE sessions")
        connection.exec_driver_sql("DROP TABLE users")
        connection.commit()
    assert_problem(await console.get("viewer", "/v1/me"), 503)
    assert_problem(await console.client.get("/healthz"), 503)


async def test_an_unexpected_error_says_nothing_of_itself(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(console.clock, "now", broken)
    answer = await console.get("viewer", "/v1/deployments/task-api")
    assert_problem(answer, 500)
    assert "secret detail" not in answer.text
