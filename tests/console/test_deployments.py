"""Making, showing and freezing deployments."""

from aftertune.values.release import EngineState
from tests.console.conftest import Console
from tests.console.seed import DEPLOYMENT, HOSTILE, PAIR


async def test_a_deployment_needs_a_fit_release(console: Console) -> None:
    body = {"name": "plant", "stable": "v3"}
    with console.store.write() as tx:
        engine = tx.releases.engine("v3")
        assert engine
        tx.releases.save_engine(engine.model_copy(update={"state": EngineState.STARTING}))
    early = await console.post("operator", "/v1/deployments", body)
    assert early.status_code == 409
    assert "starting" in early.json()["detail"]
    assert early.json()["remedy"]
    assert (await console.post("operator", "/v1/deployments", body | {"stable": "v4"})).status_code == 409
    assert (await console.post("operator", "/v1/deployments", body | {"stable": "none"})).status_code == 404

    with console.store.write() as tx:
        tx.releases.save_engine(engine)
    made = await console.post("operator", "/v1/deployments", body, key="make-plant")
    assert made.status_code == 201
    assert made.json()["deployment"]["generation"] == 1
    again = await console.post("operator", "/v1/deployments", body, key="make-plant")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert (await console.post("operator", "/v1/deployments", body)).status_code == 400
    assert console.audited("create") == ["plant", DEPLOYMENT]


async def test_every_capture_policy_can_be_chosen(console: Console) -> None:
    body = {"stable": "v3"}
    for capture in ("none", "metadata", "redacted", "full"):
        made = await console.post("operator", "/v1/deployments", body | {"name": capture, "capture": capture})
        assert (made.status_code, made.json()["deployment"]["capture"]) == (201, capture)


async def test_what_a_deployment_shows(console: Console) -> None:
    shown = (await console.get("viewer", f"/v1/deployments/{DEPLOYMENT}")).json()
    assert shown["deployment"]["candidate"] == "v2"
    assert [p["release"] for p in shown["promotions"]] == ["v1", "v0"]
    assert shown["rollout"]["rollout"]["id"] == "ro-seeded"
    assert shown["verdict"]["outcome"] == "fail"
    assert shown["exchanges"] == {"stable": 3, "shadow": 3}
    assert [(r["router"], r["generation"], r["live"]) for r in shown["routers"]] == [
        ("router-1", 6, True),
        ("router-2", 5, True),
        ("router-3", 2, False),
    ]
    assert [d["name"] for d in (await console.get("viewer", "/v1/deployments")).json()] == [DEPLOYMENT]


async def test_scores_are_for_readers_and_payloads_for_few(console: Console) -> None:
    pairs = await console.get("viewer", f"/v1/deployments/{DEPLOYMENT}/pairs?limit=2")
    assert len(pairs.json()) == 2
    assert "alert" not in pairs.text
    assert (await console.get("viewer", f"/v1/deployments/{DEPLOYMENT}/pairs?limit=0")).status_code == 422

    text = (await console.get("reviewer", f"/v1/pairs/{PAIR}")).json()
    assert text["candidate_answer"] == HOSTILE
    assert text["stable_answer"] == 'Done: I will remind you.\ncreate_task({"title": "Call Ana"})'
    assert console.audited("read_payload") == [PAIR]
    assert (await console.get("reviewer", "/v1/pairs/no/such%20pair")).status_code == 404

    legs = (await console.get("viewer", f"/v1/exchanges/{PAIR}")).json()
    assert {leg["release"] for leg in legs} == {"v1", "v2"}
    assert (await console.get("viewer", "/v1/exchanges/unknown")).status_code == 404


async def test_a_freeze_is_recorded_with_its_reason(console: Console) -> None:
    path = f"/v1/deployments/{DEPLOYMENT}"
    frozen = await console.post("operator", f"{path}/freeze", {"reason": "holiday"}, key="freeze-it-1")
    assert frozen.json()["deployment"]["frozen"] == "holiday"
    again = await console.post("operator", f"{path}/freeze", {"reason": "holiday"}, key="freeze-it-1")
    assert again.json()["deployment"]["generation"] == frozen.json()["deployment"]["generation"]
    assert (await console.post("approver", f"{path}/unfreeze", {"reason": "over"})).status_code == 200
    assert (await console.post("approver", f"{path}/unfreeze", {"reason": "over"})).status_code == 409
    assert console.audited("freeze") == console.audited("unfreeze") == [DEPLOYMENT]


async def test_the_audit_log_and_its_verification(console: Console) -> None:
    entries = (await console.get("viewer", "/v1/audit?limit=3")).json()
    assert len(entries) == 3
    checked = (await console.get("viewer", "/v1/audit/verification")).json()
    assert checked["ok"] is True
    assert checked["head"] == entries[0]["hash"]
    with console.store.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'ana' WHERE seq = 2")
        connection.commit()
    checked = (await console.get("viewer", "/v1/audit/verification")).json()
    assert (checked["ok"], checked["first_bad"]) == (False, 2)
