"""`aftertune pin` with every other room dead: by what the routers of this host have left on disk."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from aftertune.cli import pin
from aftertune.cli.app import app
from aftertune.control import create_control_token
from aftertune.errors import BadInput, Corrupt, NotFound, UnknownName
from aftertune.pin import pin_file, read_pins
from aftertune.rooms import Room
from aftertune.routing_files import write_private
from aftertune.values.route import Route, RouterLease, RoutingTable, Target


def at(release: str) -> Target:
    return Target(
        release=release, url=f"http://{release}", served_name=f"{release}-served", accepts=("model",)
    )


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host whose only router serves v2, with v1 to fall back to, and shows whatever the file says."""
    monkeypatch.setenv("AFTERTUNE_HOME", str(tmp_path))
    create_control_token(tmp_path / "control.token")
    route = Route(deployment="tasks", generation=3, stable=at("v2"), fallback=at("v1"))
    folder = tmp_path / "routing"
    write_private(folder / "router-1.json", RoutingTable(revision=5, routes=(route,)).model_dump_json())
    file = pin_file(folder)

    def shows(room: Room, headers: dict[str, str], holds: object) -> bool:
        pins = {name: each.target.release for name, each in read_pins(file).pins.items()}
        assert callable(holds)
        return bool(holds(RouterLease(router="r", admin_url="", revision=5, generations={}, pinned=pins)))

    monkeypatch.setattr(pin, "_shows", shows)
    return file


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_release_that_the_table_names_needs_no_url(file: Path) -> None:
    assert "router-1: shows it" in run("pin", "tasks", "v1", "--reason", "v2 is bad")
    held = read_pins(file).pins["tasks"]
    assert (held.target, held.reason) == (at("v1"), "v2 is bad")
    assert held.by
    assert file.stat().st_mode & 0o777 == 0o600


def test_any_engine_can_be_named(file: Path) -> None:
    run("pin", "tasks", "v0", "--url", "http://spare:8000/", "--served-name", "base", "--reason", "r")
    assert read_pins(file).pins["tasks"].target == Target(
        release="v0", url="http://spare:8000", served_name="base"
    )
    run("pin", "tasks", "v1", "--url", "http://moved", "--reason", "r")
    assert read_pins(file).pins["tasks"].target == at("v1").model_copy(update={"url": "http://moved"})


def test_a_pin_is_taken_away_alone_or_with_all_others(file: Path) -> None:
    run("pin", "tasks", "v1", "--reason", "r")
    with pytest.raises(NotFound, match="no pin of 'other'"):
        run("unpin", "other")
    run("unpin", "tasks")
    assert not file.exists()
    run("pin", "tasks", "v2", "--reason", "r")
    run("unpin")
    assert not file.exists()


def test_what_nobody_here_knows_is_refused_with_what_is_known(file: Path) -> None:
    with pytest.raises(UnknownName, match="Known: tasks"):
        run("pin", "task", "v1", "--reason", "r")
    with pytest.raises(BadInput, match=r"Known here: v1, v2\. Another one needs --url"):
        run("pin", "tasks", "v7", "--reason", "r")
    with pytest.raises(BadInput, match="goes with --url"):
        run("pin", "tasks", "v1", "--served-name", "x", "--reason", "r")
    assert not file.exists()


def test_a_file_that_cannot_be_read_is_not_overwritten_but_can_be_removed(file: Path) -> None:
    file.write_text("{")
    file.chmod(0o600)
    with pytest.raises(Corrupt, match="remove it"):
        run("pin", "tasks", "v1", "--reason", "r")
    assert file.read_text() == "{"
    run("unpin")
    assert not file.exists()


def test_a_router_that_does_not_show_it_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pin, "_shows", lambda *_: False)
    monkeypatch.setattr(pin, "TAKEN_S", 0.0)
    result = CliRunner().invoke(app, ("pin", "tasks", "v1", "--reason", "r"))
    assert result.exit_code == 1
    assert "router-1: does not show it" in result.output
