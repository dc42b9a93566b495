"""`aftertune key` sends what was named, and nothing else."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from aftertune.cli import key
from aftertune.errors import BadInput

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Console:
    def __init__(self) -> None:
        self.posted: list[tuple[str, Mapping[str, Any]]] = []

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, str]:
        self.posted.append((path, body or {}))
        return {"token": "at_shown_once"}

    def get(self, path: str) -> list[dict[str, Any]]:
        assert path == "/v1/keys"
        row = {"name": "app", "state": "valid", "deployments": None, "requests_a_minute": 60}
        return [{**row, "tokens_a_minute": None, "concurrency": 2, "expires_at": None, "created_by": "ann"}]


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Console:
    console = Console()
    monkeypatch.setattr(key, "client_from_environment", lambda _: console)
    return console


def said(*arguments: str) -> str:
    result = CliRunner().invoke(key.app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_create_prints_the_token(console: Console) -> None:
    options = ("--deployment", "a", "--deployment", "b", "--requests-a-minute", "60", "--concurrency", "2")
    assert said("create", "app", *options, "--expires", "2027-01-31").strip() == "at_shown_once"
    terms = {"deployments": ["a", "b"], "requests_a_minute": 60, "concurrency": 2}
    assert console.posted == [
        ("/v1/keys", {"name": "app", **terms, "expires_at": "2027-01-31T00:00:00+00:00"})
    ]


def test_change_sends_only_what_was_named(console: Console) -> None:
    said("change", "app", "--tokens-a-minute", "0", "--every-deployment", "--expires", "never")
    terms = {"tokens_a_minute": None, "deployments": None, "expires_at": None}
    assert console.posted == [("/v1/keys/app/terms", terms)]


@pytest.mark.parametrize(
    "options", [(), ("--every-deployment", "--deployment", "a"), ("--expires", "tomorrow")]
)
def test_a_change_that_makes_no_sense_is_refused(console: Console, options: tuple[str, ...]) -> None:
    with pytest.raises(BadInput):
        CliRunner().invoke(key.app, ["change", "app", *options], catch_exceptions=False)
    assert console.posted == []


def test_rotate_revoke_and_list(console: Console) -> None:
    assert said("rotate", "app").strip() == "at_shown_once"
    said("revoke", "app")
    assert [path for path, _ in console.posted] == ["/v1/keys/app/token", "/v1/keys/app/revoke"]
    listed = said("list")
    for cell in ("app", "valid", "all", "60", "2", "ann"):
        assert cell in listed


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("never", None),
        ("90d", NOW + timedelta(days=90)),
        ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
        ("2027-01-31T18:00", datetime(2027, 1, 31, 18, tzinfo=UTC)),
        ("2027-01-31T18:00Z", datetime(2027, 1, 31, 18, tzinfo=UTC)),
        ("2027-01-31T18:00+02:00", datetime(2027, 1, 31, 16, tzinfo=UTC)),
    ],
)
def test_expiry(text: str, moment: datetime | None) -> None:
    assert key.expiry(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "0d", "-5d", "99999d0", "soon", "2027-13-01"])
def test_what_is_no_expiry(text: str) -> None:
    with pytest.raises(BadInput, match="Write a day as"):
        key.expiry(text, NOW)
