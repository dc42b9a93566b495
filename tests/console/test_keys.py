"""Keys: the token is shown once and audited never; limits change; pages act as the API does."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest

from aftertune.identity import token_hash
from aftertune.values.route import KeyGrant
from tests.console.conftest import Console
from tests.console.seed import DEPLOYMENT

TERMS = {"deployments": [DEPLOYMENT], "requests_a_minute": 60, "tokens_a_minute": 9000, "concurrency": 3}


async def created(console: Console, **changes: Any) -> str:
    answer = await console.post("admin", "/v1/keys", {"name": "app", **TERMS, **changes})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def grants(console: Console) -> dict[str, KeyGrant]:
    with console.store.read() as tx:
        return tx.api_keys.grants(console.clock.now())


def audit_text(console: Console) -> str:
    with console.store.read() as tx:
        return str(tx.audit.latest(1000))


async def test_the_token_is_shown_once(console: Console) -> None:
    body = {"name": "app", **TERMS}
    first = await console.post("admin", "/v1/keys", body, key="create-app-1")
    assert first.status_code == 201
    token = first.json()["token"]
    assert set(grants(console)) == {token_hash(token)}
    again = await console.post("admin", "/v1/keys", body, key="create-app-1")
    assert again.status_code == 409
    assert "cannot be shown again" in again.json()["detail"]
    listed = await console.get("admin", "/v1/keys")
    assert token not in listed.text
    assert token_hash(token) not in listed.text
    (view,) = listed.json()
    assert (view["name"], view["state"], view["created_by"]) == ("app", "valid", "admin")
    assert {name: view[name] for name in TERMS} == TERMS


async def test_a_key_does_not_open_the_console(console: Console) -> None:
    token = await created(console)
    bearer = {"authorization": f"Bearer {token}"}
    assert (await console.client.get("/v1/me", headers=bearer)).status_code == 401


async def test_what_a_change_leaves_out_stays(console: Console) -> None:
    await created(console)
    ends = console.clock.now() + timedelta(days=1)
    answer = await console.post(
        "admin", "/v1/keys/app/terms", {"requests_a_minute": None, "expires_at": ends.isoformat()}
    )
    assert answer.status_code == 200
    (grant,) = grants(console).values()
    assert (grant.requests_a_minute, grant.tokens_a_minute, grant.concurrency) == (None, 9000, 3)
    assert grant.deployments == (DEPLOYMENT,)
    console.clock.advance(86_400)
    assert not grants(console)
    (view,) = (await console.get("admin", "/v1/keys")).json()
    assert view["state"] == "expired"
    late = await console.post("admin", "/v1/keys/app/terms", {"concurrency": 1})
    assert (late.status_code, "has expired" in late.text) == (409, True)


async def test_rotation_and_revocation(console: Console) -> None:
    old = await created(console)
    rotated = await console.post("admin", "/v1/keys/app/token")
    assert rotated.status_code == 201
    new = rotated.json()["token"]
    assert set(grants(console)) == {token_hash(new)}
    for _ in range(2):
        assert (await console.post("admin", "/v1/keys/app/revoke")).json()["state"] == "revoked"
    assert not grants(console)
    assert (await console.post("admin", "/v1/keys/app/token")).status_code == 409
    for act in ("create_key", "rotate_key", "revoke_key"):
        assert console.audited(act) == ["app"]
    said = audit_text(console)
    assert not [secret for token in (old, new) for secret in (token, token_hash(token)) if secret in said]


@pytest.mark.parametrize(
    ("body", "status", "complaint"),
    [
        ({"name": "viewer"}, 400, "already a user"),
        ({"name": "controller"}, 400, "belongs to the controller"),
        ({"name": "App"}, 422, ""),
        ({"name": "app", "deployments": ["nowhere"]}, 404, "nowhere"),
        ({"name": "app", "deployments": []}, 422, ""),
        ({"name": "app", "concurrency": 0}, 422, ""),
        ({"name": "app", "expires_at": "2020-01-01T00:00:00Z"}, 400, "which is over"),
        ({"name": "app", "expires_at": "2999-01-01T00:00:00"}, 422, ""),
        ({"name": "app", "requests": 7}, 422, ""),
    ],
)
async def test_refusals(console: Console, body: dict[str, Any], status: int, complaint: str) -> None:
    answer = await console.post("admin", "/v1/keys", body)
    assert answer.status_code == status, answer.text
    assert complaint in answer.text
    assert not grants(console)
    assert console.audited("create_key") == []


async def test_a_users_name_cannot_be_a_keys(console: Console) -> None:
    await created(console)
    answer = await console.post("admin", "/v1/users", {"name": "app", "roles": ["viewer"]})
    assert (answer.status_code, "already a key" in answer.text) == (400, True)


def hidden(page: str) -> dict[str, str]:
    """The first form's hidden fields that every form of the page carries."""
    return dict(re.findall(r'<input type="hidden" name="(key|csrf_token)" value="([^"]*)"', page))


async def test_the_pages_create_change_rotate_and_revoke(console: Console) -> None:
    csrf = await console.signed_in("admin")
    console.wakes.count = 0

    async def submit(path: str, page: str, **fields: Any) -> Any:
        form = {**hidden(page), "csrf_token": csrf, **fields}
        return await console.client.post(path, data=form)

    empty = (await console.client.get("/keys")).text
    assert "No application has a key yet" in empty
    blank = {"requests_a_minute": "", "tokens_a_minute": "", "concurrency": "", "expires": ""}
    shown = await submit("/keys", empty, name="app", deployments=[DEPLOYMENT], **blank)
    assert shown.status_code == 201, shown.text
    token = re.search(r"at_[\w-]{43}", html.unescape(shown.text))
    assert token is not None
    assert grants(console) == {token_hash(token[0]): KeyGrant(name="app", deployments=(DEPLOYMENT,))}
    assert console.wakes.count == 1
    again = await submit("/keys", empty, name="app", deployments=[DEPLOYMENT], **blank)
    assert (again.status_code, token[0] in again.text) == (409, False)

    page = (await console.client.get("/keys/app")).text
    assert token[0] not in page
    changed = await submit(
        "/keys/app/terms", page, **blank | {"requests_a_minute": "7", "expires": "2999-01-01"}
    )
    assert changed.status_code == 303
    (grant,) = grants(console).values()
    assert (grant.deployments, grant.requests_a_minute) == (None, 7)

    page = (await console.client.get("/keys/app")).text
    assert 'value="2999-01-01"' in page
    rotated = await submit("/keys/app/token", page)
    assert rotated.status_code == 201
    assert token_hash(token[0]) not in grants(console)
    assert (await submit("/keys/app/revoke", rotated.text)).status_code == 303
    assert not grants(console)
    listed = (await console.client.get("/keys")).text
    assert "revoked" in listed
    assert "<form" not in (await console.client.get("/keys/app")).text.partition("<main")[2]


async def test_a_wrong_name_is_said_on_the_page(console: Console) -> None:
    csrf = await console.signed_in("admin")
    page = (await console.client.get("/keys")).text
    answer = await console.client.post("/keys", data={**hidden(page), "csrf_token": csrf, "name": "No Name"})
    assert answer.status_code == 400
    assert "cannot be used" in answer.text
    assert not grants(console)


async def test_only_admins_are_shown_the_way(console: Console) -> None:
    assert 'href="/keys"' in (await console.get("admin", "/")).text
    assert 'href="/keys"' not in (await console.get("operator", "/")).text
