"""Signing in and out; what a cookie may do only with a CSRF token."""

import re

from tests.console.conftest import Console
from tests.console.seed import DEPLOYMENT


async def test_a_token_becomes_a_cookie_and_a_cookie_needs_the_csrf_token(console: Console) -> None:
    answer = await console.post("operator", "/v1/session")
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    csrf = answer.json()["csrf_token"]

    assert (await console.client.get("/v1/me")).json()["name"] == "operator"
    why = {"reason": "odd answers"}
    freeze = f"/v1/deployments/{DEPLOYMENT}/freeze"
    for headers in ({}, {"x-csrf-token": "wrong"}, {"x-csrf-token": ""}):
        refused = await console.client.post(freeze, json=why, headers=headers)
        assert refused.status_code == 403
        assert "CSRF" in refused.json()["detail"]
    assert (await console.client.post(freeze, json=why, headers={"x-csrf-token": csrf})).status_code == 200

    ended = await console.client.delete("/v1/session", headers={"x-csrf-token": csrf})
    assert ended.status_code == 204
    assert (await console.client.get("/v1/me")).status_code == 401
    assert console.audited("sign_in") == ["operator"]
    assert console.audited("sign_out") == ["operator"]


async def test_a_session_ends_by_itself_and_with_its_token(console: Console) -> None:
    await console.post("viewer", "/v1/session")
    console.clock.advance(28_800)
    assert (await console.client.get("/v1/me")).status_code == 401

    await console.post("viewer", "/v1/session")
    assert (await console.client.get("/v1/me")).status_code == 200
    await console.post("admin", "/v1/users/viewer/token")
    assert (await console.client.get("/v1/me")).status_code == 401


async def test_signing_in_with_the_form(console: Console) -> None:
    form = await console.client.get("/login?next=/deployments/task-api")
    (csrf,) = re.findall(r'name="csrf_token" value="([^"]+)"', form.text)
    fields = {"token": console.seeded.tokens["viewer"], "csrf_token": csrf, "next": "/deployments/task-api"}
    assert (await console.client.post("/login", data=fields | {"csrf_token": "x"})).status_code == 403

    form = await console.client.get("/login")
    (csrf,) = re.findall(r'name="csrf_token" value="([^"]+)"', form.text)
    wrong = await console.client.post("/login", data=fields | {"csrf_token": csrf, "token": "at_wrong"})
    assert wrong.status_code == 401
    assert "at_wrong" not in wrong.text
    (csrf,) = re.findall(r'name="csrf_token" value="([^"]+)"', wrong.text)
    good = await console.client.post("/login", data=fields | {"csrf_token": csrf})
    assert good.status_code == 303
    assert good.headers["location"] == "/deployments/task-api"
    assert (await console.client.get("/")).status_code == 200


async def test_nobody_is_sent_elsewhere_after_signing_in(console: Console) -> None:
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        page = await console.client.get("/login", params={"next": target})
        assert 'name="next" value="/"' in page.text


async def test_a_machine_that_may_not_read_cannot_sign_in(console: Console) -> None:
    assert (await console.post("ingest", "/v1/session")).status_code == 403


async def test_browsers_that_are_not_signed_in_are_sent_to_the_form(console: Console) -> None:
    answer = await console.client.get("/deployments/task-api", headers={"accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/deployments/task-api"
