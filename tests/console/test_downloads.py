"""Files of a report: only those it names, only as they were built, and never as a page of this console."""

import io
import zipfile
from pathlib import Path

import pytest

from aftertune.values.report import ReportFile, ReportState
from tests.console.conftest import Console
from tests.console.evidence import FILES, REPORT

BASE = f"/v1/reports/{REPORT}"


def folder(console: Console) -> Path:
    return console.roots.parent / "reports" / REPORT


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("report.json", "application/json"),
        ("report.html", "text/html; charset=utf-8"),
        ("report.pdf", "application/pdf"),
        ("audit.jsonl", "application/x-ndjson"),
        ("tabular_drift.html", "text/html; charset=utf-8"),
        ("manifest.sig", "application/octet-stream"),
    ],
)
async def test_a_file_comes_as_it_was_built(console: Console, name: str, media_type: str) -> None:
    answer = await console.get("reviewer", f"{BASE}/files/{name}")
    assert (answer.status_code, answer.content) == (200, FILES[name])
    assert answer.headers["content-type"] == media_type
    shown = "inline" if name == "report.html" else "attachment"
    assert answer.headers["content-disposition"] == f'{shown}; filename="{name}"'
    policy = answer.headers.get_list("content-security-policy")
    assert len(policy) == 1
    assert policy[0].startswith("sandbox; default-src 'none'")
    assert "script" not in policy[0]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    [
        "secret.txt",
        "..%2f..%2faftertune.db",
        "%2e%2e%2faftertune.db",
        "/etc/passwd",
        "report.json%00",
        "REPORT.JSON",
        "%252e%252e%252faftertune.db",
    ],
)
async def test_nothing_else_can_be_had(console: Console, name: str) -> None:
    (folder(console) / "secret.txt").write_text("not in the row")
    answer = await console.get("operator", f"{BASE}/files/{name}")
    assert answer.status_code in (404, 422)
    assert b"not in the row" not in answer.content


async def test_a_file_that_is_gone_or_changed_is_not_handed_out(console: Console, tmp_path: Path) -> None:
    file = folder(console) / "report.json"
    original = file.read_bytes()
    outside = tmp_path / "outside.json"
    outside.write_bytes(original)
    for damage, said in (
        (lambda: file.write_bytes(original + b" "), "was changed"),
        (lambda: file.write_bytes(original[::-1]), "was changed"),
        (file.unlink, "cannot be read"),
        (lambda: file.symlink_to(outside), "is a link"),
    ):
        damage()
        for path in (f"{BASE}/files/report.json", f"{BASE}/bundle"):
            answer = await console.get("reviewer", path)
            assert answer.status_code == 500
            assert said in answer.json()["detail"]
            assert str(tmp_path) not in answer.text


async def test_a_row_cannot_name_a_way_out() -> None:
    for name in ("../x", "/etc/passwd", ".hidden", "a/b", ""):
        with pytest.raises(ValueError, match="pattern"):
            ReportFile(name=name, sha256="0" * 64, size=0)


async def test_a_report_that_is_not_ready_has_no_files(console: Console) -> None:
    with console.store.write() as tx:
        tx.reports.save(tx.reports.get(REPORT).model_copy(update={"state": ReportState.BUILDING}))
    for path in (f"{BASE}/files/report.json", f"{BASE}/bundle"):
        assert (await console.get("reviewer", path)).status_code == 409
    assert (await console.get("reviewer", "/v1/reports/none/files/report.json")).status_code == 404


async def test_the_bundle_holds_every_file_in_one_folder_and_is_always_the_same(console: Console) -> None:
    answer = await console.get("reviewer", f"{BASE}/bundle")
    assert answer.headers["content-disposition"] == 'attachment; filename="aftertune-2026-W01-r1.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        held = {name: bundle.read(name) for name in bundle.namelist()}
    assert held == {f"aftertune-2026-W01-r1/{name}": content for name, content in FILES.items()}
    console.clock.advance(3600)
    assert (await console.get("reviewer", f"{BASE}/bundle")).content == answer.content


async def test_a_viewer_sees_what_there_is_but_reads_none_of_it(console: Console) -> None:
    for path in (f"{BASE}/files/report.json", f"{BASE}/bundle"):
        assert (await console.get("viewer", path)).status_code == 403
