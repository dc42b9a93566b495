"""A console in process, on a real, migrated and seeded SQLite database."""

import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, expect, sync_playwright
from prometheus_client import CollectorRegistry

from aftertune.clock import ManualClock
from aftertune.settings import Settings
from aftertune.settings.sections import EngineSettings
from aftertune.store import Store
from console.app import create_app
from tests.console.evidence import seed_evidence
from tests.console.seed import Seeded, seed

CHROMIUM_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
)


@dataclass
class Wakes:
    """Stands in for the monitor: counts how often it was woken."""

    count: int = 0

    def __call__(self) -> None:
        self.count += 1


@dataclass(frozen=True)
class Console:
    app: FastAPI
    store: Store
    clock: ManualClock
    seeded: Seeded
    client: httpx.AsyncClient
    wakes: Wakes
    roots: Path
    registry: CollectorRegistry

    def headers(self, user: str, key: str | None = None) -> dict[str, str]:
        bearer = {"authorization": f"Bearer {self.seeded.tokens[user]}"}
        return bearer | ({"idempotency-key": key} if key else {})

    async def get(self, user: str, path: str) -> httpx.Response:
        return await self.client.get(path, headers=self.headers(user))

    async def signed_in(self, user: str) -> str:
        """The client carries the user's cookie from now on; returns the session's CSRF token."""
        answer = await self.post(user, "/v1/session")
        return str(answer.json()["csrf_token"])

    async def post(self, user: str, path: str, body: object = None, key: str | None = None) -> httpx.Response:
        return await self.client.post(path, headers=self.headers(user, key), json=body)

    async def patch(self, user: str, path: str, body: object, key: str | None = None) -> httpx.Response:
        return await self.client.patch(path, headers=self.headers(user, key), json=body)

    def audited(self, action: str) -> list[str]:
        """Subjects of the entries with this action, newest first."""
        with self.store.read() as tx:
            return [entry.subject for entry in tx.audit.latest(1000) if entry.action == action]


@pytest.fixture
async def console(store: Store, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Console]:
    wakes, roots = Wakes(), tmp_path / "releases"
    roots.mkdir()
    settings = Settings(home=tmp_path, engines=EngineSettings(release_roots=(roots,)))
    seeded, registry = seed(store, clock.now()), CollectorRegistry()
    seed_evidence(store, tmp_path, clock.now())
    app = create_app(store, settings, clock, wakes, registry)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
        yield Console(app, store, clock, seeded, client, wakes, roots, registry)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "chromium is missing: scripts/browser installs it"
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGUMENTS))
        yield launched
        launched.close()
