"""The committed files are what the code writes, and the tools that read them accept them."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dashboards.generate import FOLDER, differences, files, write
from dashboards.places import COMPOSE, ONE_MACHINE, Place
from dashboards.rule_cases import CASES
from dashboards.rules import RULES, Severity

ROOT = Path(__file__).parents[2]


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_committed_files_are_what_the_code_writes() -> None:
    assert differences(FOLDER) == [], "run 'python -m dashboards' and commit what it writes"


def test_writing_and_checking(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "stale.yml").write_text("")
    assert differences(tmp_path) == ["stale.yml is written by nothing."]

    write(tmp_path)
    assert differences(tmp_path) == []

    (tmp_path / "rules.yml").write_text("groups: []")
    (tmp_path / "alertmanager.yml").unlink()
    assert differences(tmp_path) == ["rules.yml differs.", "alertmanager.yml is missing."]


def test_the_check_is_a_command() -> None:
    done = subprocess.run([sys.executable, "-m", "dashboards", "--check"], cwd=ROOT, check=False)

    assert done.returncode == 0


@pytest.mark.parametrize("file", ["prometheus.yml", "prometheus.compose.yml"])
def test_prometheus_accepts_its_configuration(file: str) -> None:
    assert "1 rule files found" in run("promtool", "check", "config", file)


def test_prometheus_accepts_the_rules() -> None:
    assert f"{len(RULES)} rules found" in run("promtool", "check", "rules", "rules.yml")


def test_the_rules_fire_when_they_should_and_only_then() -> None:
    assert "SUCCESS" in run("promtool", "test", "rules", "rules_test.yml")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_is_tested_firing_and_silent(rule: object) -> None:
    cases = [case for case in CASES if case.alert == getattr(rule, "name", None)]

    assert any(case.firing for case in cases)
    assert sum(not case.firing for case in cases) >= 2


@pytest.mark.parametrize("file", ["alertmanager.yml", "alertmanager.compose.yml"])
def test_alertmanager_accepts_its_configuration(file: str) -> None:
    assert "SUCCESS" in run("amtool", "check-config", file)


@pytest.mark.parametrize(("severity", "wait"), [("page", "0s"), ("ticket", "5s")])
def test_pages_are_told_at_once(severity: str, wait: str) -> None:
    route = yaml.safe_load((FOLDER / "alertmanager.yml").read_text())["route"]
    receiver = run(
        "amtool", "config", "routes", "test", "--config.file=alertmanager.yml", f"severity={severity}"
    )

    assert receiver.strip() == "monitor"
    assert severity in set(Severity)
    (pages,) = route["routes"]
    assert (pages["group_wait"] if severity == "page" else route["group_wait"]) == wait


@pytest.mark.parametrize("place", [ONE_MACHINE, COMPOSE], ids=lambda place: place.name)
def test_every_room_is_scraped_and_no_secret_is_written(place: Place) -> None:
    rooms = {"router", "monitor", "engines", "encoder", "evals", "reports", "console"}

    assert rooms <= place.targets.keys()
    assert place.credentials_file.endswith("control.token")
    for name, text in files().items():
        assert "credentials:" not in text, name
        assert "password" not in text.lower(), name


def test_every_alert_has_its_heading_on_the_page_that_its_runbook_names() -> None:
    headings = [
        line.removeprefix("## ").strip().lower()
        for line in (ROOT / "docs" / "alerts.md").read_text().splitlines()
        if line.startswith("## ")
    ]
    for rule in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"][0]["rules"]:
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (ROOT / page).name == "alerts.md"
        assert anchor in headings
