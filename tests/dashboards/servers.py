"""Real Prometheus and Alertmanager as child processes, on free ports."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from dashboards.generate import FOLDER, RULE_FILE
from tests.flows.ports import free_port
from tests.flows.waiting import wait_for


@dataclass(frozen=True)
class Prometheus:
    url: str

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """The series of an instant query; fails with Prometheus' own message."""
        answer = httpx.post(f"{self.url}/api/v1/query", data={"query": expression}, timeout=30).json()
        assert answer["status"] == "success", f"{expression}: {answer.get('error')}"
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def targets(self) -> dict[str, str]:
        """Job → `up`, `down` or `unknown`."""
        found = httpx.get(f"{self.url}/api/v1/targets", timeout=30).json()["data"]["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in found}


@contextmanager
def prometheus(folder: Path, targets: Mapping[str, str], alertmanager: str = "") -> Iterator[Prometheus]:
    """By the generated configuration and rules, with the jobs' addresses replaced and everything at 1 s."""
    settings = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    settings["scrape_configs"] = [
        {"job_name": job["job_name"], "static_configs": [{"targets": [targets[job["job_name"]]]}]}
        for job in settings["scrape_configs"]
        if job["job_name"] in targets
    ]
    settings["alerting"]["alertmanagers"][0]["static_configs"] = [
        {"targets": [alertmanager] if alertmanager else []}
    ]
    rules = yaml.safe_load((FOLDER / RULE_FILE).read_text())
    rules["groups"][0]["interval"] = "1s"
    (folder / RULE_FILE).write_text(yaml.safe_dump(rules))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    address = f"127.0.0.1:{free_port()}"
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={address}",
        "--log.level=warn",
    ]
    with _running(command, f"http://{address}/-/ready"):
        yield Prometheus(f"http://{address}")


@contextmanager
def alertmanager(folder: Path, webhook: str, credentials: Path) -> Iterator[str]:
    """By the generated configuration, with the webhook and the credential's file replaced; yields `host:port`."""
    settings = yaml.safe_load((FOLDER / "alertmanager.yml").read_text())
    (receiver,) = settings["receivers"][0]["webhook_configs"]
    receiver["url"] = webhook
    receiver["http_config"]["authorization"]["credentials_file"] = str(credentials)
    # Resolved alerts wait for the group's interval.
    settings["route"]["group_interval"] = "1s"
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(settings))
    address = f"127.0.0.1:{free_port()}"
    command = [
        "prometheus-alertmanager",
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    with _running(command, f"http://{address}/-/ready"):
        yield address


@contextmanager
def _running(command: list[str], ready: str) -> Iterator[None]:
    with subprocess.Popen(command) as process:
        try:
            wait_for(lambda: httpx.get(ready).status_code == 200, command[0])
            yield
        finally:
            process.terminate()
            process.wait(60)
