"""Asking for reports and signing them."""

import pytest

from aftertune.values.report import ReportState
from tests.console.conftest import Console
from tests.console.evidence import REPORT, WEEK

OPEN_WEEK, COMING_WEEK = "2026-W02", "2026-W03"
SIGN = f"/v1/reports/{REPORT}/sign-offs"


async def word(console: Console, **change: object) -> dict[str, object]:
    report = (await console.get("viewer", f"/v1/reports/{REPORT}")).json()["report"]
    return {"manifest_digest": report["manifest_digest"], "accepted": True, **change}


async def test_a_report_is_asked_for_once(console: Console) -> None:
    body = {"week": WEEK}
    made = await console.post("reviewer", "/v1/reports", body, key="report-w01-1")
    assert made.status_code == 201
    report = made.json()
    assert (report["state"], report["revision"], report["preliminary"]) == ("requested", 2, False)
    again = await console.post("reviewer", "/v1/reports", body, key="report-w01-1")
    assert again.json() == report
    other = await console.post("operator", "/v1/reports", body)
    assert (other.status_code, other.json()["remedy"]) == (409, f"Follow it: /v1/reports/{report['id']}.")
    assert console.audited("request_report") == [WEEK]
    listed = (await console.get("viewer", "/v1/reports")).json()
    assert [each["id"] for each in listed] == [report["id"], REPORT]


async def test_an_open_week_is_refused_unless_preliminary(console: Console) -> None:
    refused = await console.post("operator", "/v1/reports", {"week": OPEN_WEEK})
    assert refused.status_code == 409
    assert "open until 2026-01-12" in refused.json()["detail"]
    assert "preliminary" in refused.json()["remedy"]
    made = await console.post("operator", "/v1/reports", {"week": OPEN_WEEK, "preliminary": True})
    assert (made.status_code, made.json()["preliminary"]) == (201, True)
    closed = await console.post("operator", "/v1/reports", {"week": WEEK, "preliminary": True})
    assert closed.json()["preliminary"] is False, "a week that is over is not preliminary"


@pytest.mark.parametrize(
    ("week", "status"),
    [
        (COMING_WEEK, 400),
        ("2025-W53", 400),
        ("0000-W01", 400),
        ("2026-W54", 422),
        ("2026-01", 422),
        ("2026-W01\n", 422),
        ("../../etc", 422),
    ],
)
async def test_weeks_that_cannot_be_reported(console: Console, week: str, status: int) -> None:
    body = {"week": week, "preliminary": True}
    assert (await console.post("operator", "/v1/reports", body)).status_code == status
    csrf = await console.signed_in("operator")
    form = {"csrf_token": csrf, "key": "page-0000", "week": week, "preliminary": "yes"}
    answer = await console.client.post("/reports", data=form)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert console.audited("request_report") == []


async def test_a_reviewer_signs_exactly_the_manifest_once(console: Console) -> None:
    body = await word(console, comment="read in full")
    done = await console.post("reviewer", SIGN, body, key="sign-w01-1")
    assert done.status_code == 201
    (signed,) = done.json()["sign_offs"]
    assert (signed["reviewer"], signed["accepted"], signed["comment"]) == ("reviewer", True, "read in full")
    again = await console.post("reviewer", SIGN, body, key="sign-w01-1")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert (await console.post("reviewer", SIGN, body)).status_code == 409
    assert console.audited("sign_report") == [REPORT]


async def test_sign_offs_that_are_refused(console: Console) -> None:
    good = await word(console)
    for user in ("operator", "approver", "viewer", "admin"):
        assert (await console.post(user, SIGN, good)).status_code == 403
    other = await console.post("reviewer", SIGN, good | {"manifest_digest": "0" * 64})
    assert "another digest" in other.json()["detail"]
    for change in (
        {"accepted": False},
        {"manifest_digest": "x"},
        {"reviewer": "ana"},
        {"comment": "\u0007"},
    ):
        assert (await console.post("reviewer", SIGN, good | change)).status_code == 422
    with console.store.write() as tx:
        report = tx.reports.get(REPORT)
        tx.reports.save(report.model_copy(update={"requested_by": "reviewer"}))
    own = await console.post("reviewer", SIGN, good)
    assert (own.status_code, own.json()["remedy"]) == (409, "Ask another reviewer.")
    with console.store.write() as tx:
        tx.reports.save(report.model_copy(update={"state": ReportState.BUILDING}))
    assert (await console.post("reviewer", SIGN, good)).status_code == 409
    assert console.audited("sign_report") == []


async def test_the_form_says_why_it_refuses(console: Console) -> None:
    csrf = await console.signed_in("reviewer")
    path = f"/reports/{REPORT}/sign-offs"
    body = await word(console)
    fields = {"csrf_token": csrf, "key": "page-0000", "word": "refused", "comment": ""}
    fields["manifest_digest"] = str(body["manifest_digest"])
    assert (await console.client.post(path, data=fields | {"csrf_token": "x"})).status_code == 403
    silent = await console.client.post(path, data=fields)
    assert silent.status_code == 400
    assert "says why" in silent.text
    done = await console.client.post(path, data=fields | {"comment": "the <b>week</b> is wrong"})
    assert done.headers["location"] == f"/reports/{REPORT}"
    page = (await console.client.get(f"/reports/{REPORT}")).text
    assert "&lt;b&gt;week&lt;/b&gt;" in page
    assert "Sign off</button>" not in page


async def test_what_the_pages_show(console: Console) -> None:
    page = (await console.get("viewer", f"/reports/{REPORT}")).text
    assert "aftertune report verify aftertune-2026-W01-r1.zip" in page
    assert 'http-equiv="refresh"' not in page
    assert "Sign off</button>" not in page
    with console.store.write() as tx:
        report = tx.reports.get(REPORT)
        failed = {"state": ReportState.FAILED, "reason": "no space in /srv/reports", "files": ()}
        tx.reports.save(report.model_copy(update=failed))
    page = (await console.get("viewer", f"/reports/{REPORT}")).text
    assert "no space in [path]" in page
    with console.store.write() as tx:
        tx.reports.save(report.model_copy(update={"state": ReportState.BUILDING, "files": ()}))
    assert 'http-equiv="refresh"' in (await console.get("viewer", f"/reports/{REPORT}")).text
