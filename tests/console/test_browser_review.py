"""The way of a reviewer through a campaign, by keyboard alone, and of the operator who closes it."""

from pathlib import Path

from playwright.sync_api import Browser, Page, expect
from prometheus_client import CollectorRegistry

from aftertune.clock import ManualClock
from aftertune.identity import Role, new_token
from aftertune.settings import Settings
from aftertune.store import Store
from console.app import create_app
from tests.console.live import served
from tests.console.photographs import DESK, complaints, shot
from tests.console.reviewing import RUN, SECOND_REVIEWER, seed_reviewing
from tests.console.seed import ROLLOUT, seed


def signed_in(browser: Browser, url: str, token: str) -> tuple[Page, list[str]]:
    page = browser.new_context(viewport=DESK).new_page()
    said = complaints(page)
    page.goto(url)
    page.get_by_label("Your token").fill(token)
    page.keyboard.press("Enter")
    expect(page).to_have_title("Fleet · Aftertune")
    page.get_by_role("link", name="Reviews").click()
    return page, said


def test_two_people_rate_by_keyboard_and_the_operator_closes(
    browser: Browser, store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    seeded = seed(store, clock.now())
    seed_reviewing(store, clock.now(), samples=4)
    tokens = {**seeded.tokens, SECOND_REVIEWER: new_token()}
    with store.write() as tx:
        tx.users.add(SECOND_REVIEWER, frozenset({Role.REVIEWER}), tokens[SECOND_REVIEWER], clock.now())
    app = create_app(store, Settings(home=tmp_path), clock, lambda: None, CollectorRegistry())
    with served(app) as url:
        operator, complained = signed_in(browser, url, tokens["operator"])
        operator.get_by_label("Title").fill("Are they right?")
        operator.get_by_label("Answers to review").select_option(f"{RUN}:v3")
        shot(operator, tmp_path, "reviews")
        operator.get_by_role("button", name="Open").click()
        expect(operator.get_by_role("status")).to_contain_text("0 of 3 rated by two people")
        for name, grade in (("reviewer", 0), (SECOND_REVIEWER, 2)):
            page, said = signed_in(browser, url, tokens[name])
            rate_everything(page, tmp_path, f"rating-{name}", grade)
            assert said == []
            page.context.close()
        operator.reload()
        expect(operator.get_by_role("status")).to_contain_text("3 of 3 rated by two people")
        operator.get_by_role("button", name="Close").click()
        expect(operator.get_by_role("heading", name="What people found")).to_be_visible()
        shot(operator, tmp_path, "review")
        operator.get_by_role("link", name="s-1").click()
        expect(operator.get_by_role("heading", name="Answer")).to_contain_text("v3")
        shot(operator, tmp_path, "item")
        assert operator.locator("pre script").count() == 0
        compare(operator, signed_in(browser, url, tokens["reviewer"]), tmp_path)
        assert complained == []


def rate_everything(page: Page, folder: Path, name: str, down: int) -> None:
    """Without a mouse: Enter begins, arrows choose, Tab goes on, Enter saves."""
    page.get_by_role("link", name="Are they right?").click()
    expect(page.get_by_role("button", name="Begin: 3 left for you")).to_be_focused()
    page.keyboard.press("Enter")
    for done in range(3):
        expect(page.get_by_role("status")).to_contain_text(f"{done} of 3 rated by you")
        if done == 0:
            shot(page, folder, name)
            page.set_viewport_size(DESK)
        expect(page.get_by_role("radio").first).to_be_focused()
        page.keyboard.press("Space")
        for _ in range(down):
            page.keyboard.press("ArrowDown")
        for _ in range(2):
            page.keyboard.press("Tab")
            page.keyboard.press("Space")
        page.keyboard.press("Enter")
    expect(page.get_by_text("You have rated all that you can: 3 items.")).to_be_visible()


def compare(operator: Page, reviewer: tuple[Page, list[str]], folder: Path) -> None:
    """Live pairs, side by side: whose answers they are is told nowhere."""
    operator.get_by_role("link", name="Reviews").first.click()
    operator.get_by_label("Title").fill("Which is better?")
    operator.get_by_label("Answers to review").select_option(f"rollout:{ROLLOUT}")
    operator.get_by_label("Form").select_option("comparison")
    operator.get_by_role("button", name="Open").click()
    expect(operator.get_by_role("status")).to_contain_text("0 of 3 rated by two people")
    page, said = reviewer
    page.reload()
    page.get_by_role("link", name="Which is better?").click()
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("heading", name="Left answer")).to_be_visible()
    shot(page, folder, "comparison")
    assert "v1" not in page.content()
    assert "v2" not in page.content()
    page.get_by_label("Right is better").check()
    page.get_by_role("combobox", name="Danger").select_option("privacy")
    page.get_by_role("button", name="Save and next").click()
    expect(page.get_by_role("status")).to_contain_text("1 of 3 rated by you")
    assert said == []
