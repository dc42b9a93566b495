"""Alertmanager's webhook: what is stored, what wakes, what is refused, and what hostile texts become."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from aftertune.clock import ManualClock
from aftertune.errors import BadInput
from aftertune.store import Store
from monitor.alerts import MAX_BODY_BYTES, MAX_TEXT, read
from monitor.http import Interface

CONTROL = "the rooms' own credential"
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
ZERO = "0001-01-01T00:00:00Z"


@pytest.fixture
def woken() -> threading.Event:
    return threading.Event()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def client(
    store: Store, clock: ManualClock, woken: threading.Event, registry: CollectorRegistry
) -> TestClient:
    interface = Interface(store, clock, registry, control_token=CONTROL, lease_s=10.0, wake=woken.set)
    return TestClient(interface.app())


def alert(**changed: Any) -> dict[str, Any]:
    """As Alertmanager 0.25 sends it."""
    return {
        "status": "firing",
        "labels": {"alertname": "AftertuneDrift", "severity": "ticket", "deployment": "tasks"},
        "annotations": {"summary": "tasks: drift", "runbook": "docs/alerts.md#aftertunedrift"},
        "startsAt": "2026-01-05T11:59:00.123456789Z",
        "endsAt": ZERO,
        "generatorURL": "http://prometheus/graph",
        "fingerprint": "54b32d5a1b4b2c6f",
    } | changed


def notification(*alerts: dict[str, Any], **changed: Any) -> bytes:
    body = {
        "version": "4",
        "groupKey": '{}:{alertname="AftertuneDrift"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "monitor",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager",
        "alerts": alerts,
    }
    return json.dumps(body | changed).encode()


def post(client: TestClient, body: bytes) -> Any:
    return client.post("/v1/alerts", content=body, headers={"Authorization": f"Bearer {CONTROL}"})


def test_an_alert_is_stored_and_wakes(
    client: TestClient, store: Store, clock: ManualClock, woken: threading.Event
) -> None:
    assert post(client, notification(alert())).status_code == 202

    with store.read() as tx:
        (firing,) = tx.alerts.firing()
    assert (firing.name, firing.severity, firing.deployment) == ("AftertuneDrift", "ticket", "tasks")
    assert (firing.summary, firing.runbook) == ("tasks: drift", "docs/alerts.md#aftertunedrift")
    assert firing.starts_at == datetime(2026, 1, 5, 11, 59, 0, 123456, UTC)
    assert (firing.ends_at, firing.received_at) == (None, clock.now())
    assert woken.is_set()


def test_what_is_told_again_is_no_news(
    client: TestClient, store: Store, woken: threading.Event, registry: CollectorRegistry
) -> None:
    post(client, notification(alert()))
    woken.clear()

    assert post(client, notification(alert(), alert())).status_code == 202

    assert not woken.is_set()
    with store.read() as tx:
        assert len(tx.alerts.firing()) == 1
    assert registry.get_sample_value("aftertune_alerts_total", {"state": "firing"}) == 1


def test_a_resolved_alert_ends(
    client: TestClient, store: Store, woken: threading.Event, registry: CollectorRegistry
) -> None:
    post(client, notification(alert()))
    woken.clear()

    post(client, notification(alert(status="resolved", endsAt="2026-01-05T13:05:00+01:00")))

    with store.read() as tx:
        assert tx.alerts.firing() == []
        (ended,) = tx.alerts.between(NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert ended.ends_at == datetime(2026, 1, 5, 12, 5, tzinfo=UTC)
    assert woken.is_set()
    assert registry.get_sample_value("aftertune_alerts_total", {"state": "resolved"}) == 1


def test_the_same_alert_at_another_time_is_another_alert(client: TestClient, store: Store) -> None:
    post(client, notification(alert(), alert(startsAt="2026-01-05T11:00:00Z")))

    with store.read() as tx:
        assert len(tx.alerts.firing()) == 2


@pytest.mark.parametrize("end", [ZERO, None])
def test_a_resolved_alert_without_an_end_ended_by_now(end: str | None) -> None:
    (resolved,) = read(notification(alert(status="resolved", endsAt=end)), NOW)

    assert resolved.ends_at == NOW


def test_an_alert_needs_no_labels_of_ours() -> None:
    (bare,) = read(notification(alert(labels={}, annotations={})), NOW)

    assert (bare.name, bare.severity, bare.deployment, bare.summary) == ("unnamed", "none", "", "unnamed")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "body"),
        (b"no json", "body"),
        (b"[]", "body"),
        (b"\xff", "body"),
        (notification(alert(), version="3"), "version"),
        (notification(alert(status="perhaps")), "alerts.0.status"),
        (notification(alert(fingerprint="../../etc")), "alerts.0.fingerprint"),
        (notification(alert(fingerprint="")), "alerts.0.fingerprint"),
        (notification(alert(), alert(startsAt="yesterday")), "alerts.1.startsAt"),
        (notification(alert(startsAt="2026-01-05T11:59:00")), "alerts.0.startsAt"),
        (notification(alert(labels={"deployment": 3})), "alerts.0.labels.deployment"),
        (notification(alert(labels={f"l{n}": "" for n in range(65)})), "alerts.0.labels"),
        (notification(*(alert() for _ in range(1_001))), "alerts"),
        (notification(alert(labels={"a": "X"})).replace(b'"X"', b'"\\ud800"'), "body"),
    ],
)
def test_a_wrong_body_is_a_described_problem(
    client: TestClient, store: Store, body: bytes, where: str
) -> None:
    answer = post(client, body)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith(f"The notification is wrong at {where}: ")
    with store.read() as tx:
        assert tx.alerts.firing() == []


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
def test_a_time_outside_the_calendar_is_a_described_problem(client: TestClient, start: str) -> None:
    answer = post(client, notification(alert(startsAt=start)))

    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "A time of the notification lies outside the calendar in UTC.",
    )


def test_a_body_that_is_too_large_is_not_read(client: TestClient) -> None:
    answer = post(client, b" " * (MAX_BODY_BYTES + 1))

    assert (answer.status_code, answer.json()["title"]) == (413, "Body too large")


def test_without_the_rooms_credential_nothing_is_taken(client: TestClient, store: Store) -> None:
    assert client.post("/v1/alerts", content=notification(alert())).status_code == 401
    with store.read() as tx:
        assert tx.alerts.firing() == []


def test_without_a_database_alertmanager_must_tell_again(client: TestClient, store: Store) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alerts")

    assert post(client, notification(alert())).status_code == 503


@given(texts=st.dictionaries(st.text(min_size=1), st.text(), max_size=5))
def test_hostile_texts_become_harmless(texts: dict[str, str]) -> None:
    (told,) = read(notification(alert(labels=texts, annotations=texts | {"summary": "\x00\u202e"})), NOW)

    shown = [told.summary, told.name, told.deployment, *told.labels, *told.labels.values()]
    assert all(
        character.isprintable() or character.isspace() or ord(character) > 0x9F
        for t in shown
        for character in t
    )
    assert not any({"\x00", "\u202e", "\x1b", "\n"} & set(text) for text in shown)


def test_long_texts_are_cut() -> None:
    (told,) = read(notification(alert(labels={"deployment": "x" * 50_000})), NOW)

    assert len(told.deployment) == MAX_TEXT
    assert told.deployment.endswith("…")


@given(st.binary(max_size=200))
def test_no_bytes_are_a_surprise(body: bytes) -> None:
    with pytest.raises(BadInput):
        read(body, NOW)
