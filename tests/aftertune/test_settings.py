"""Settings: who wins, what stops the program, and that each is documented."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aftertune.errors import BadInput, UnknownName
from aftertune.settings import CONFIG_VARIABLE, NOT_SETTINGS, PREFIX, Settings, known_names, load
from aftertune.settings.page import markdown
from aftertune.values.release import EngineKind

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(variable)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "aftertune.yaml"
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    return path


def test_defaults_stand_where_nothing_is_said() -> None:
    settings = load()
    assert (settings.router.port, settings.engines.kind) == (8080, EngineKind.TRANSFORMERS)
    assert settings.router_url == "http://127.0.0.1:8080"
    assert settings.monitor_url == "http://127.0.0.1:8082"
    assert settings.console_url == "http://127.0.0.1:8083"


def test_environment_wins_over_the_file_and_the_file_over_defaults(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("router: {port: 1001, admin_port: 1002}\nlog_level: DEBUG\n")
    monkeypatch.setenv("AFTERTUNE_ROUTER__PORT", "2001")
    settings = load()
    assert (settings.router.port, settings.router.admin_port) == (2001, 1002)
    assert (settings.log_level, settings.router.name) == ("DEBUG", "router-1")


def test_an_empty_file_says_nothing(file: Path) -> None:
    file.write_text("# nothing yet\n")
    assert load() == Settings()


def test_files_lie_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERTUNE_HOME", str(tmp_path))
    settings = load()
    assert settings.database_url == f"sqlite:///{tmp_path / 'aftertune.db'}"
    assert settings.control_token_file == tmp_path / "control.token"
    assert settings.spool_folder == tmp_path / "spool"


@pytest.mark.parametrize(
    "name", ["AFTERTUNE_ROUTER__PROT", "AFTERTUNE_PORT", "AFTERTUNE_ROUTER", "AFTERTUNE_"]
)
def test_an_unknown_variable_stops_and_lists_the_known(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(UnknownName, match=repr(name)) as raised:
        load()
    assert "AFTERTUNE_ROUTER__PORT" in raised.value.known
    assert len(raised.value.known) == len(dict(known_names()))


@pytest.mark.parametrize("name", sorted(NOT_SETTINGS - {CONFIG_VARIABLE}))
def test_variables_that_are_read_elsewhere_are_let_through(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "x")
    assert load() == Settings()


@pytest.mark.parametrize(
    ("text", "named"), [("router: {prot: 1}", "router__prot"), ("hme: x", "hme"), ("routers: {}", "routers")]
)
def test_an_unknown_key_stops_and_lists_the_known(file: Path, text: str, named: str) -> None:
    file.write_text(text)
    with pytest.raises(UnknownName, match=f"'{named}'") as raised:
        load()
    assert "router__port" in raised.value.known


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("AFTERTUNE_ROUTER__PORT", "abc", "router__port"),
        ("AFTERTUNE_ROUTER__PORT", "65536", "router__port"),
        ("AFTERTUNE_CONSOLE__METRICS_PORT", "-1", "console__metrics_port"),
        ("AFTERTUNE_ENGINES__KIND", "ollama", "engines__kind"),
        ("AFTERTUNE_ENGINES__THREADS", "0", "engines__threads"),
        ("AFTERTUNE_MONITOR__TICK_S", "0", "monitor__tick_s"),
        ("AFTERTUNE_LOG_LEVEL", "LOUD", "log_level"),
    ],
)
def test_a_wrong_value_names_its_setting(
    variable: str, value: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadInput, match=f"'{named}' is wrong"):
        load()


def test_an_unknown_engine_lists_the_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERTUNE_ENGINES__KIND", "ollama")
    with pytest.raises(BadInput, match=r"transformers.*vllm.*external"):
        load()


@pytest.mark.parametrize("content", [b"- a list", b"words", b"{", b"router: 5", b"\xff\xfe\x00"])
def test_a_file_that_is_no_mapping_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(BadInput, match=r"cannot be read|is wrong"):
        load()


def test_a_missing_file_is_refused(file: Path) -> None:
    with pytest.raises(BadInput, match="does not exist"):
        load()


def test_the_database_url_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERTUNE_DATABASE__URL", "postgresql://aftertune:hunter2@db/aftertune")
    settings = load()
    assert settings.database_url == "postgresql://aftertune:hunter2@db/aftertune"
    for shown in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert "hunter2" not in shown


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, description in known_names() if not description.strip()] == []


def test_the_reference_is_current() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == markdown(), (
        "docs/settings.md is out of date: run 'python -m aftertune.settings > docs/settings.md'"
    )


def test_the_reference_names_every_setting() -> None:
    page = markdown()
    for name, description in known_names():
        assert f"| `{PREFIX}{name.upper()}` |" in page
        assert f"| {description} |" in page


def test_the_command_prints_the_reference() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "aftertune.settings"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == markdown()
