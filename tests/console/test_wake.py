"""The monitor is woken under the rooms' own credential, and may be away."""

import logging
from pathlib import Path

import pytest
from fastapi import FastAPI, Request

from aftertune.control import create_control_token
from aftertune.settings import Settings
from aftertune.settings.sections import MonitorSettings
from console.wake import monitor_wake
from tests.console.live import served


def test_it_posts_with_the_control_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.wake.TIMEOUT_S", 60.0)
    monitor, seen = FastAPI(), []

    @monitor.post("/v1/wake", status_code=202)
    def wake(request: Request) -> None:
        seen.append(request.headers["authorization"])

    with served(monitor) as url:
        settings = Settings(home=tmp_path, monitor=MonitorSettings(port=int(url.rpartition(":")[2])))
        token = create_control_token(settings.control_token_file)
        monitor_wake(settings)()
    assert seen == [f"Bearer {token}"]


def test_a_monitor_that_is_away_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(home=tmp_path, monitor=MonitorSettings(port=1))
    with caplog.at_level(logging.WARNING):
        monitor_wake(settings)()
        create_control_token(settings.control_token_file)
        monitor_wake(settings)()
    assert [record.getMessage().startswith("the monitor was not woken") for record in caplog.records] == [
        True
    ] * 2
