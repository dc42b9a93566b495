"""What the drift page and API say, and starting the watch anew."""

from aftertune.values.drift import DriftState
from console.trend import drift_series
from tests.console.conftest import Console
from tests.console.seed import DEPLOYMENT

PAGE = f"/deployments/{DEPLOYMENT}/drift"
RELEARN = f"/v1{PAGE}/relearn"


async def test_the_newest_reading_and_those_before(console: Console) -> None:
    view = (await console.get("viewer", f"/v1{PAGE}?limit=5")).json()
    assert (view["reading"]["state"], view["reading"]["cause"]) == ("alarm", "users_changed")
    assert (len(view["readings"]), view["readings"][0]) == (5, view["reading"])
    assert view["watched"] is True
    shown = (await console.get("viewer", f"/v1/deployments/{DEPLOYMENT}")).json()
    assert shown["drift"] == view["reading"]
    assert (await console.get("viewer", "/v1/deployments/nothing/drift")).status_code == 404


async def test_a_deployment_without_readings(console: Console) -> None:
    await console.post("operator", "/v1/deployments", {"name": "plant", "stable": "v3"})
    view = (await console.get("viewer", "/v1/deployments/plant/drift")).json()
    assert view == {"reading": None, "readings": [], "watched": False}
    assert "Nothing was read yet" in (await console.get("viewer", "/deployments/plant/drift")).text
    refused = await console.post("operator", "/v1/deployments/plant/drift/relearn", {"reason": "x"})
    assert refused.status_code == 409


async def test_relearning_drops_the_reference(console: Console) -> None:
    why = {"reason": "a new customer came"}
    assert (await console.post("viewer", RELEARN, why)).status_code == 403
    assert (await console.post("operator", RELEARN, {"reason": ""})).status_code == 422
    done = await console.post("operator", RELEARN, why, key="relearn-1")
    assert (done.status_code, done.json()["watched"]) == (200, False)
    again = await console.post("operator", RELEARN, why, key="relearn-1")
    assert again.headers["idempotent-replayed"] == "true"
    assert (await console.post("operator", RELEARN, why)).status_code == 409
    assert console.audited("relearn_drift") == [DEPLOYMENT]
    page = (await console.get("operator", PAGE)).text
    assert "A new reference was ordered" in page
    assert "<form" not in page.split("<main")[1]


async def test_the_form_wants_a_reason_and_a_tick(console: Console) -> None:
    csrf = await console.signed_in("operator")
    path = f"{PAGE}/relearn"
    fields = {"csrf_token": csrf, "key": "page-0000", "reason": "meant to stay", "confirmed": "yes"}
    assert (await console.client.post(path, data=fields | {"csrf_token": ""})).status_code == 403
    for missing, said in (("confirmed", "Tick the box"), ("reason", "needs a reason")):
        refused = await console.client.post(path, data=fields | {missing: ""})
        assert refused.status_code == 400
        assert said in refused.text
    assert console.audited("relearn_drift") == []
    done = await console.client.post(path, data=fields)
    assert (done.status_code, done.headers["location"]) == (303, PAGE)
    assert (await console.client.post(path, data=fields)).status_code == 303
    assert console.audited("relearn_drift") == [DEPLOYMENT]


async def test_what_the_page_says(console: Console) -> None:
    page = (await console.get("reviewer", PAGE)).text
    for text in ("Users changed", "10,000", "12.478", "statistic ÷ threshold over time: prompts, answers"):
        assert text in page, text
    assert "⟨U+202E⟩gnp.exe" in page
    assert "<script" not in page
    assert console.audited("read_payload") == [f"{DEPLOYMENT}/drift"]
    page = (await console.get("viewer", PAGE)).text
    assert "gnp.exe" not in page
    assert "request-1-stable" in page


async def test_every_state_has_words(console: Console) -> None:
    for state, said in (
        (DriftState.LEARNING, "The reference is being made"),
        (DriftState.WATCHING, "like the reference"),
        (DriftState.NOT_MEASURED, "traffic is not touched"),
    ):
        with console.store.write() as tx:
            reading = tx.drift.reading(DEPLOYMENT)
            assert reading
            update = {"state": state, "reference": 123, "charts": (), "examples": ()}
            tx.drift.add_reading(reading.model_copy(update=update))
        assert said in (await console.get("viewer", PAGE)).text


async def test_a_series_is_a_share_of_the_threshold_with_gaps(console: Console) -> None:
    with console.store.read() as tx:
        readings = tx.drift.readings(DEPLOYMENT, 200)
    series = drift_series(readings)
    assert list(series) == ["prompts", "answers"]
    values = [point.value for point in series["prompts"]]
    assert (len(values), values.count(None)) == (40, 2)
    assert values[-1] is not None
    assert values[-1] >= 1
    assert drift_series([]) == {}
