"""Users are added with one token, shown once."""

from tests.console.conftest import Console


async def test_the_token_is_shown_once_and_works(console: Console) -> None:
    body = {"name": "ana", "roles": ["operator", "viewer"]}
    issued = await console.post("admin", "/v1/users", body, key="add-ana-1")
    assert issued.status_code == 201
    bearer = {"authorization": f"Bearer {issued.json()['token']}"}
    assert (await console.client.get("/v1/me", headers=bearer)).json()["roles"] == ["operator", "viewer"]
    listed = await console.get("admin", "/v1/users")
    assert issued.json()["token"] not in listed.text
    assert console.audited("add_user") == ["ana"]

    again = await console.post("admin", "/v1/users", body, key="add-ana-1")
    assert again.status_code == 409
    assert "cannot be shown again" in again.json()["detail"]


async def test_a_new_token_replaces_the_old_one(console: Console) -> None:
    issued = await console.post("admin", "/v1/users/viewer/token")
    assert issued.status_code == 201
    assert (await console.get("viewer", "/v1/me")).status_code == 401
    bearer = {"authorization": f"Bearer {issued.json()['token']}"}
    assert (await console.client.get("/v1/me", headers=bearer)).status_code == 200

    await console.post("admin", "/v1/users/viewer/disable")
    assert (await console.post("admin", "/v1/users/viewer/token")).status_code == 409


async def test_refusals(console: Console) -> None:
    taken = await console.post("admin", "/v1/users", {"name": "viewer", "roles": ["viewer"]})
    assert taken.status_code == 400
    reserved = await console.post("admin", "/v1/users", {"name": "controller", "roles": ["viewer"]})
    assert "belongs to the controller" in reserved.json()["detail"]
    alone = await console.post("admin", "/v1/users/admin/disable")
    assert alone.status_code == 409
    assert (await console.post("admin", "/v1/users/nobody/disable")).status_code == 404
    assert console.audited("add_user") == console.audited("disable_user") == []
