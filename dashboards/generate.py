"""The committed files: what each holds, and whether what is on disk still says that."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dashboards import alertmanager, prometheus, provisioning, rule_cases
from dashboards.places import COMPOSE, ONE_MACHINE

FOLDER = Path(__file__).parent / "generated"
BOARD = "grafana/boards/aftertune.json"
RULE_FILE = "rules.yml"
_HEADER = "# Written by `python -m dashboards`; change the code there.\n"


def files() -> dict[str, str]:
    """Path below the folder → text."""
    from dashboards.board import board  # noqa: PLC0415  (its library is a developers' tool)

    provisioned = "grafana/provisioning"
    return {
        "prometheus.yml": _yaml(prometheus.configuration(ONE_MACHINE, RULE_FILE)),
        "prometheus.compose.yml": _yaml(prometheus.configuration(COMPOSE, RULE_FILE)),
        RULE_FILE: _yaml(prometheus.rule_file()),
        "rules_test.yml": _yaml(rule_cases.test_file(RULE_FILE)),
        "alertmanager.yml": _yaml(alertmanager.configuration(ONE_MACHINE)),
        "alertmanager.compose.yml": _yaml(alertmanager.configuration(COMPOSE)),
        BOARD: json.dumps(board(), indent=2, ensure_ascii=False) + "\n",
        f"{provisioned}/datasources/prometheus.yaml": _yaml(provisioning.data_sources()),
        f"{provisioned}/dashboards/aftertune.yaml": _yaml(provisioning.board_folders()),
        f"{provisioned}/alerting/rules.yaml": _yaml(provisioning.alert_rules()),
    }


def write(folder: Path) -> None:
    for name, text in files().items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for stale in _surplus(folder, files()):
        (folder / stale).unlink()


def differences(folder: Path) -> list[str]:
    """One sentence for each file that is missing, differs, or that nothing writes."""
    wanted = files()
    said = []
    for name, text in wanted.items():
        file = folder / name
        if not file.is_file():
            said.append(f"{name} is missing.")
        elif file.read_text() != text:
            said.append(f"{name} differs.")
    return said + [f"{name} is written by nothing." for name in _surplus(folder, wanted)]


def _surplus(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    there = (file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    return sorted(set(there) - wanted.keys())


def _yaml(value: Any) -> str:
    return _HEADER + yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)
