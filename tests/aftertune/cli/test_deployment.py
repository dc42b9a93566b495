"""What `aftertune deployment` asks of the console."""

from collections.abc import Mapping
from typing import Any

import pytest
from typer.testing import CliRunner

from aftertune.cli import deployment
from aftertune.errors import BadInput, UnknownName

OTHER = {"release": "v2", "share": 0.5, "budget": {}}
OPEN: dict[str, Any] = {"per_s": None, "tokens_a_day": None, "concurrency": None, "windows": []}


class Console:
    """Remembers what was asked; its deployment has one shadow."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Mapping[str, Any]]] = []

    def get(self, path: str) -> dict[str, Any]:
        assert path == "/v1/deployments/tasks"
        return {"deployment": {"generation": 7, "shadows": [OTHER]}}

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        self.asked.append(("POST", path, body))

    def patch(self, path: str, body: Mapping[str, Any]) -> None:
        self.asked.append(("PATCH", path, body))


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Console:
    console = Console()
    monkeypatch.setattr(deployment, "client_from_environment", lambda _: console)
    return console


def run(*arguments: str) -> None:
    result = CliRunner().invoke(deployment.app, arguments)
    if isinstance(result.exception, Exception):
        raise result.exception
    assert result.exit_code == 0, result.output


def test_a_shadow_is_added_beside_the_others(console: Console) -> None:
    run(
        *("shadow", "tasks", "v3", "--share", "0.1", "--per-second", "5", "--tokens-a-day", "1000000"),
        *("--concurrency", "4", "--window", "08:00-18:00", "--window", "22:00-02:00", "--reason", "by day"),
    )
    windows = [{"since": "08:00", "until": "18:00"}, {"since": "22:00", "until": "02:00"}]
    limits = {"per_s": 5.0, "tokens_a_day": 1_000_000, "concurrency": 4, "windows": windows}
    rule = {"release": "v3", "share": 0.1, "budget": limits}
    body = {"generation": 7, "shadows": [OTHER, rule], "reason": "by day"}
    assert console.asked == [("PATCH", "/v1/deployments/tasks", body)]


def test_a_shadow_is_changed_and_removed(console: Console) -> None:
    run("shadow", "tasks", "v2")
    run("unshadow", "tasks", "v2")
    rules = [{"release": "v2", "share": 1.0, "budget": OPEN}]
    assert [body for _, _, body in console.asked] == [
        {"generation": 7, "shadows": rules},
        {"generation": 7, "shadows": []},
    ]
    with pytest.raises(UnknownName, match=r"v9.*Known: v2"):
        run("unshadow", "tasks", "v9")


def test_a_budget_replaces_the_one_before(console: Console) -> None:
    run("budget", "tasks", "--per-second", "2")
    assert console.asked == [("PATCH", "/v1/deployments/tasks", {"budget": OPEN | {"per_s": 2.0}})]


@pytest.mark.parametrize("window", ["08:00", "-18:00", "08:00-", ""])
def test_what_is_no_window_is_refused(console: Console, window: str) -> None:
    with pytest.raises(BadInput, match="08:00-18:00"):
        run("budget", "tasks", f"--window={window}")
    assert console.asked == []


def test_capture_and_name(console: Console) -> None:
    run("configure", "tasks", "--capture", "metadata", "--rename", "--reason", "works council")
    run("configure", "tasks", "--no-rename")
    assert console.asked == [
        ("POST", "/v1/deployments/tasks/capture", {"capture": "metadata", "reason": "works council"}),
        ("PATCH", "/v1/deployments/tasks", {"rename": True, "reason": "works council"}),
        ("PATCH", "/v1/deployments/tasks", {"rename": False}),
    ]
    with pytest.raises(BadInput, match="needs a reason"):
        run("configure", "tasks", "--capture", "none")
    with pytest.raises(BadInput, match="Nothing was asked"):
        run("configure", "tasks")
