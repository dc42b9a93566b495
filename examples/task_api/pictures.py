"""Takes the documentation's pictures of a running demo.

`python -m examples.task_api.pictures CONSOLE_URL TOKEN REPORT_FOLDER`; the folder is one that the demo downloaded.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

from aftertune.errors import Unavailable
from examples.task_api.plans import DEPLOYMENT

FOLDER = Path("docs/images")
PAGES = {
    "fleet": "/",
    "deployment": f"/deployments/{DEPLOYMENT}",
    "drift": f"/deployments/{DEPLOYMENT}/drift",
    "evaluations": "/evaluations",
    "regression": "/evaluations/registration-v2-forgetting/regression",
    "reports": "/reports",
    "training": "/training/v1",
}
SMALLEST = ViewportSize(width=1200, height=400)
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def main(console_url: str, token: str, report: str) -> None:
    """Sign in and photograph each page, and the report, 1200 pixels wide."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise Unavailable("Chromium is not on this machine.", "Run 'make browser'.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        page = browser.new_page(viewport=SMALLEST)
        _sign_in(page, console_url, token)
        for name, path in PAGES.items():
            page.set_viewport_size(SMALLEST)
            page.goto(f"{console_url}{path}")
            _fit(page)
            page.screenshot(path=FOLDER / f"{name}.png")
        page.goto((Path(report) / "report.html").absolute().as_uri())
        _fit(page)
        page.screenshot(path=FOLDER / "report.png")
        browser.close()


def _sign_in(page: Page, console_url: str, token: str) -> None:
    page.goto(f"{console_url}/login")
    page.locator("input[name=token]").fill(token)
    page.locator("main button").click()
    page.wait_for_url(f"{console_url}/")


def _fit(page: Page) -> None:
    """A screenful and a half: more of a long page would be too small to read."""
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": 1200, "height": min(height, 1500)})


if __name__ == "__main__":
    main(*sys.argv[1:])
