"""What the journeys in a real browser share: the photographs, and what the browser complains about."""

from pathlib import Path

from playwright.sync_api import Page, ViewportSize

PHONE: ViewportSize = {"width": 375, "height": 812}
DESK: ViewportSize = {"width": 1280, "height": 900}


def shot(page: Page, folder: Path, name: str) -> None:
    """Photograph the page at both sizes; it never scrolls sideways."""
    for size, label in ((DESK, "desk"), (PHONE, "phone")):
        page.set_viewport_size(size)
        page.screenshot(path=folder / f"console-{name}-{label}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def complaints(page: Page) -> list[str]:
    """Grows as the browser logs errors and warnings (a violated security policy is one) or opens a dialog."""
    said: list[str] = []
    page.on("console", lambda text: said.append(text.text) if text.type in ("error", "warning") else None)
    page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
    return said
