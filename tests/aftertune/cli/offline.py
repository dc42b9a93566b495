"""The command line in front of a real console, without a network between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from aftertune.cli import feedback, ingest, replay, review
from aftertune.cli.app import app
from aftertune.cli.client import ConsoleClient
from aftertune.clock import ManualClock
from aftertune.errors import AftertuneError
from aftertune.identity import Role, new_token
from aftertune.redaction import redactor
from aftertune.settings import Settings
from aftertune.store import Store
from aftertune.values.deployment import Deployment
from aftertune.values.exchange import CapturePolicy
from aftertune.values.release import EngineKind, EngineState, EngineStatus
from console.app import create_app
from monitor.ingest import Ingest
from monitor.metrics import Metrics
from tests.aftertune import samples


@dataclass
class Offline:
    """`run` is a command: its exit code and its lines. `ingested`: what the spool holds goes into the store."""

    store: Store
    settings: Settings
    clock: ManualClock

    def run(self, *arguments: str) -> tuple[int, list[str]]:
        done = CliRunner().invoke(app, list(arguments))
        if isinstance(done.exception, AftertuneError):
            return done.exception.exit_code, [*done.output.splitlines(), str(done.exception)]
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, [line.rstrip() for line in done.output.splitlines()]

    def ingested(self) -> int:
        spool = self.settings.spool_folder
        return Ingest(self.store, spool, self.clock, Metrics(), redactor(self.settings)).run()


def offline(
    store: Store,
    clock: ManualClock,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    engines: Sequence[tuple[str, str]] = (),
    capture: CapturePolicy = CapturePolicy.FULL,
) -> Offline:
    """Releases v1 (stable of the deployment `tasks`) and v2; engines by (release, URL)."""
    settings, token = Settings(home=home), new_token()
    clock.advance(86_400)
    with store.write() as tx:
        tx.users.add("olga", frozenset({Role.OPERATOR}), token, clock.now())
        for name in ("v1", "v2"):
            tx.releases.add(samples.release(name, engine=EngineKind.EXTERNAL))
        for release, url in engines:
            tx.releases.save_engine(
                EngineStatus(
                    release=release,
                    kind=EngineKind.EXTERNAL,
                    state=EngineState.READY,
                    url=url,
                    updated_at=clock.now(),
                )
            )
        tx.deployments.add(Deployment(name="tasks", generation=1, stable="v1", capture=capture))
        tx.deployments.add_promotion("tasks", "v1", 1, clock.now())
    console = create_app(store, settings, clock, lambda: None, CollectorRegistry())
    client = ConsoleClient("http://console", token)
    client.close()
    wire: Any = TestClient(console, headers={"Authorization": f"Bearer {token}"})
    client._client = wire
    for command in (ingest, replay, feedback, review):
        monkeypatch.setattr(command, "client_from_environment", lambda _: client)
    monkeypatch.setattr(replay, "load", lambda: settings)
    monkeypatch.setenv("COLUMNS", "160")
    return Offline(store, settings, clock)
