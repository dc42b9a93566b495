"""The way of the on-call person at 3 a.m., in a real browser, by keyboard and on a phone."""

from pathlib import Path

from playwright.sync_api import Browser, expect
from prometheus_client import CollectorRegistry

from aftertune.clock import ManualClock
from aftertune.settings import Settings
from aftertune.store import Store
from aftertune.values.rollback import RollbackState, RouterProof
from console.app import create_app
from tests.console.live import served
from tests.console.photographs import complaints, shot
from tests.console.seed import DEPLOYMENT, seed


def test_from_signing_in_to_a_proven_rollback(
    browser: Browser, store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    seeded = seed(store, clock.now())
    app = create_app(store, Settings(home=tmp_path), clock, lambda: None, CollectorRegistry())
    # The photographs stay beside the test's other files.
    with served(app) as url:
        page = browser.new_page()
        messages = complaints(page)

        page.goto(f"{url}/deployments/{DEPLOYMENT}")
        expect(page).to_have_title("Sign in · Aftertune")
        shot(page, tmp_path, "login")
        page.keyboard.type(seeded.tokens["operator"])
        page.keyboard.press("Enter")
        expect(page).to_have_title(f"{DEPLOYMENT} · Aftertune")
        shot(page, tmp_path, "deployment")
        assert page.locator("pre script").count() == 0

        page.get_by_role("link", name="Fleet").click()
        expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
        shot(page, tmp_path, "fleet")
        page.get_by_role("link", name=DEPLOYMENT, exact=True).click()

        page.get_by_role("link", name="Roll back…").click()
        expect(page.get_by_label("Reason")).to_be_focused()
        shot(page, tmp_path, "rollback")
        page.keyboard.type("Tool calls come back as fraud labels")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("requested")
        shot(page, tmp_path, "progress")

        _finish(store, clock)
        expect(page.get_by_role("status")).to_contain_text("completed")
        shot(page, tmp_path, "proven")
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_title("Sign in · Aftertune")
        assert messages == []


def _finish(store: Store, clock: ManualClock) -> None:
    """What the controller would do."""
    with store.write() as tx:
        (rollback,) = tx.rollbacks.unfinished()
        clock.advance(1.2)
        proof = RouterProof(
            router="router-1", generation=7, releases=("v1",) * 3, fingerprint_matches=3, probes=3, ok=True
        )
        tx.rollbacks.save(
            rollback.model_copy(
                update={
                    "state": RollbackState.COMPLETED,
                    "to_release": "v1",
                    "switched_at": clock.now(),
                    "finished_at": clock.now(),
                    "proofs": (proof,),
                    "outcome": "Every live router proved v1.",
                }
            )
        )
