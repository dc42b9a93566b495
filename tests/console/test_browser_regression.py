"""The way of the reviewer who asks what got worse, down to the answers, and holds two runs against each other."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from aftertune.clock import ManualClock
from aftertune.store import Store
from tests.console.photographs import shot
from tests.console.skills import EARLIER, RUN, SUITE, seed_skills
from tests.console.test_browser_evidence import signed_in


def test_a_reviewer_finds_what_got_worse(
    browser: Browser, store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    with signed_in(browser, store, clock, tmp_path, "reviewer") as (page, url, _):
        seed_skills(store, clock.now())
        page.goto(f"{url}/evaluations?suite={SUITE}")
        shot(page, tmp_path, "suite")
        page.goto(f"{url}/evaluations/{RUN}")
        page.get_by_text("By task: 3").click()
        expect(page.get_by_role("cell", name="reasoning", exact=True).last).to_be_visible()
        shot(page, tmp_path, "run")
        page.get_by_role("link", name="What got worse").click()
        expect(page.get_by_role("article")).to_have_count(10)
        page.get_by_text("What judges said").first.click()
        page.get_by_text("Conversation, 2 messages").first.click()
        shot(page, tmp_path, "regression")
        page.get_by_role("link", name="Next ›").click()
        expect(page.get_by_role("article")).to_have_count(6)
        page.goto(f"{url}/evaluations?suite={SUITE}")
        page.get_by_label("Against").select_option(EARLIER)
        page.get_by_role("button", name="Compare").click()
        expect(page.get_by_text("Not asked in the same way.")).to_be_visible()
        shot(page, tmp_path, "comparison")
        assert page.locator("pre script").count() == 0
