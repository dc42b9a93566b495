"""The ways of the compliance reviewer, who signs a report, and of the approver, who waives a suite."""

import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect
from prometheus_client import CollectorRegistry

from aftertune.clock import ManualClock
from aftertune.settings import Settings
from aftertune.store import Store
from console.app import create_app
from tests.console.evidence import FILES, JOB, OPEN_RUN, REPORT, RUN, seed_evidence
from tests.console.live import served
from tests.console.photographs import complaints, shot
from tests.console.seed import DEPLOYMENT, seed

PAGES = (
    *("/evaluations", f"/evaluations?suite=tools&deployment={DEPLOYMENT}", f"/evaluations/{RUN}"),
    *(f"/evaluations/{OPEN_RUN}", f"/deployments/{DEPLOYMENT}/drift", "/training", f"/training/{JOB}"),
)


@contextmanager
def signed_in(
    browser: Browser, store: Store, clock: ManualClock, home: Path, user: str
) -> Iterator[tuple[Page, str, list[str]]]:
    """A page on which the user is signed in, the console's address, and what the browser complains about.

    In the end it has nothing to complain about.
    """
    seeded = seed(store, clock.now())
    seed_evidence(store, home, clock.now())
    app = create_app(store, Settings(home=home), clock, lambda: None, CollectorRegistry())
    with served(app) as url:
        context = browser.new_context()
        page = context.new_page()
        said = complaints(page)
        page.goto(url)
        page.get_by_label("Your token").fill(seeded.tokens[user])
        page.keyboard.press("Enter")
        expect(page).to_have_title("Fleet · Aftertune")
        yield page, url, said
        assert said == []
        context.close()


def test_a_reviewer_takes_the_report_along_and_signs_it(
    browser: Browser, store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    with signed_in(browser, store, clock, tmp_path, "reviewer") as (page, _, said):
        page.get_by_role("link", name="Reports").click()
        shot(page, tmp_path, "reports")
        page.get_by_role("link", name="2026-W01").click()
        shot(page, tmp_path, "report")

        with page.expect_download() as download:
            page.get_by_role("link", name="Download all").click()
        with zipfile.ZipFile(download.value.path()) as bundle:
            manifest = bundle.read("aftertune-2026-W01-r1/manifest.json")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download report.html").click()
        assert download.value.path().read_bytes() == FILES["report.html"]

        page.get_by_role("link", name="Read here").click()
        expect(page.locator("p")).to_have_css("color", "rgb(255, 0, 0)")
        assert page.evaluate("window.origin") == "null", "what strangers wrote is in a sandbox"
        assert "Blocked script execution" in said.pop()
        page.go_back()

        digest = hashlib.sha256(manifest).hexdigest()
        expect(page.locator("form code")).to_have_text(digest)
        page.get_by_label("accept it", exact=True).check()
        page.get_by_label("Comment").fill("Read in full; the figures agree.")
        page.get_by_role("button", name="Sign off").click()
        expect(page.get_by_text("Read in full; the figures agree.")).to_be_visible()
        expect(page.get_by_role("button", name="Sign off")).to_have_count(0)
        shot(page, tmp_path, "signed")
    with store.read() as tx:
        (word,) = tx.reports.sign_offs(REPORT)
    assert (word.reviewer, word.accepted, word.manifest_digest) == ("reviewer", True, digest)


def test_an_approver_waives_a_suite(
    browser: Browser, store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    with signed_in(browser, store, clock, tmp_path, "approver") as (page, _, _):
        page.get_by_role("link", name="Releases").click()
        shot(page, tmp_path, "releases")
        page.get_by_role("link", name="v2").click()
        shot(page, tmp_path, "release")
        page.get_by_role("link", name="See the run").click()
        expect(page.get_by_role("status")).to_contain_text("failed")
        page.go_back()
        page.get_by_label("Why may v2 meet users").fill("The suite asks for a tool that v2 does not have")
        page.get_by_role("button", name="Waive tools").click()
        expect(page.get_by_role("article")).to_contain_text("waived")
        expect(page.get_by_role("button", name="Waive tools")).to_have_count(0)
    with store.read() as tx:
        assert tx.releases.get("v2").waived_suites == ("tools",)
        (entry,) = tx.audit.latest(1, "v2")
    assert (entry.actor, entry.action) == ("approver", "waive_suite")


def test_pages_fit_and_break_no_policy(
    browser: Browser, store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    with signed_in(browser, store, clock, tmp_path, "operator") as (page, url, said):
        for number, path in enumerate(PAGES):
            # A page that reloads by itself may do so while the next is on its way: each gets a tab of its own.
            tab = page.context.new_page()
            heard = complaints(tab)
            tab.goto(f"{url}{path}")
            shot(tab, tmp_path, f"page-{number}")
            assert tab.locator("pre script").count() == 0
            tab.close()
            said += heard
