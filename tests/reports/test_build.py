"""From a row to a signed folder, and back: the numbers are those of the stored rows."""

import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from aftertune.clock import ManualClock
from aftertune.errors import BadInput, Conflict, Corrupt
from aftertune.settings import Settings
from aftertune.store import Store
from aftertune.values.report import Report, ReportState
from reports import build as building
from reports.build import build
from reports.rebuild import rebuild
from reports.signing import signing_key
from reports.verify import verify
from tests.aftertune.samples import exchange
from tests.reports import world


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture(autouse=True)
def no_evidently(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes seconds and has a test of its own."""
    monkeypatch.setattr(building, "tabular_drift", lambda evidence: b"<!doctype html>")


def built(store: Store, settings: Settings, clock: ManualClock, **changes: Any) -> Report:
    with store.write() as tx:
        tx.reports.add(world.report(**changes))
    return build(store, settings, clock, "rp-1")


def test_a_week_becomes_a_folder_that_verifies(store: Store, settings: Settings) -> None:
    world.fill(store)
    report = built(store, settings, ManualClock(world.SUNDAY + timedelta(hours=6)))
    folder = settings.reports_folder / "rp-1"
    assert (report.state, report.preliminary) == (ReportState.READY, False)
    assert {file.name for file in report.files} == {path.name for path in folder.iterdir()}
    checks = verify(folder)
    assert all(check.ok for check in checks)
    assert report.manifest_digest in checks[0].detail
    with store.read() as tx:
        entry = tx.audit.latest(1)[0]
    assert (entry.action, json.loads(entry.body)["manifest"]) == ("report_built", report.manifest_digest)
    assert json.loads(entry.body)["key"] in checks[0].detail


def test_the_numbers_are_computed_again_from_the_rows(store: Store, settings: Settings) -> None:
    world.fill(store)
    built(store, settings, ManualClock(world.SUNDAY + timedelta(hours=6)))
    found = rebuild(store, settings.reports_folder, "rp-1")
    assert (found.same, found.differing) == (True, ())


def test_late_rows_are_named_by_their_section(store: Store, settings: Settings) -> None:
    world.fill(store)
    built(store, settings, ManualClock(world.SUNDAY + timedelta(hours=6)))
    with store.write() as tx:
        tx.exchanges.add(exchange("late", arrival=world.MONDAY + timedelta(hours=1)), None, None)
    found = rebuild(store, settings.reports_folder, "rp-1")
    assert (found.same, found.differing) == (False, ("Summary", "Traffic"))


def test_what_happens_after_the_watermark_changes_nothing(store: Store, settings: Settings) -> None:
    """The week goes on: a preliminary report of Tuesday still comes out the same on Sunday."""
    clock = ManualClock(world.MONDAY + timedelta(hours=20))
    with store.write() as tx:
        tx.audit.append(clock.now(), "system", "create_user", "admin")
    report = built(store, settings, clock, preliminary=True)
    assert report.preliminary
    with store.write() as tx:
        tx.exchanges.add(exchange("later", arrival=clock.now() + timedelta(seconds=1)), None, None)
        tx.audit.append(clock.now() + timedelta(seconds=1), "system", "create_user", "olga")
    assert rebuild(store, settings.reports_folder, "rp-1").same


def test_an_open_week_is_refused(store: Store, settings: Settings) -> None:
    with pytest.raises(Conflict, match=r"The week 2026-W03 is open until 2026-01-19 00:00 UTC"):
        built(store, settings, ManualClock(world.MONDAY + timedelta(days=2)))
    assert not settings.reports_folder.exists()


def test_a_week_to_come_is_refused_even_as_preliminary(store: Store, settings: Settings) -> None:
    with pytest.raises(Conflict, match="has not begun"):
        built(store, settings, ManualClock(world.MONDAY - timedelta(hours=1)), preliminary=True)


def test_a_week_that_is_over_is_not_preliminary(store: Store, settings: Settings) -> None:
    assert not built(store, settings, ManualClock(world.SUNDAY), preliminary=True).preliminary


def test_nobody_else_may_have_finished_it(store: Store, settings: Settings) -> None:
    with pytest.raises(Conflict, match="nobody asked for this build"):
        built(store, settings, ManualClock(world.SUNDAY), state=ReportState.FAILED)
    assert not (settings.reports_folder / "rp-1").exists()


def test_only_a_ready_report_is_computed_again(store: Store, settings: Settings) -> None:
    with store.write() as tx:
        tx.reports.add(world.report())
    with pytest.raises(BadInput, match="is building, not ready"):
        rebuild(store, settings.reports_folder, "rp-1")


def test_the_key_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    file = tmp_path / "home" / "report_key.pem"
    first = signing_key(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["report_key.pem"]
    assert signing_key(file).private_bytes_raw() == first.private_bytes_raw()


def test_what_is_no_key_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "report_key.pem"
    file.write_text("garbage")
    with pytest.raises(Corrupt, match="cannot be read"):
        signing_key(file)
    other = rsa.generate_private_key(65537, 2048)
    file.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(Corrupt, match="is no Ed25519 key"):
        signing_key(file)
