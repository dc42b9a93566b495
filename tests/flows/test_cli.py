"""The command line as people use it, against running rooms and external engines."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import openai
import pytest

from examples.task_api import stack
from tests.flows.test_kill import ask
from tests.flows.waiting import wait_for

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("no_encoder")]

PLAN = """
deployment: task-api
candidate: careless
comparisons: [{metric: valid_answer, margin: 0.1}]
guardrails: [{metric: errors, limit: 0.1}]
shadow: {min_pairs: 20}
"""


@dataclass(frozen=True)
class CommandLine:
    """Runs `aftertune` against one stack, as the holder of a token."""

    console_url: str
    home: Path
    ports: dict[str, str]

    def run(self, token: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        host, port = self.console_url.removeprefix("http://").split(":")
        environment = os.environ | {
            "AFTERTUNE_HOME": str(self.home),
            "AFTERTUNE_TOKEN": token,
            "AFTERTUNE_CONSOLE__HOST": host,
            "AFTERTUNE_CONSOLE__PORT": port,
            **self.ports,
        }
        command = [sys.executable, "-m", "aftertune", *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def done(self, token: str, *arguments: str) -> str:
        result = self.run(token, *arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout.strip()

    def refused(self, token: str, *arguments: str) -> str:
        """The message of a command that ends with exit code 2, without a traceback."""
        result = self.run(token, *arguments)
        assert result.returncode == 2, result.stdout + result.stderr
        assert "Traceback" not in result.stderr
        return result.stderr


@pytest.mark.timeout(600)
def test_a_rollout_from_the_command_line(tmp_path: Path, engines: dict[str, str]) -> None:
    with stack.running(tmp_path / "home", "transformers", print) as running:
        admin = running.admin_token or ""
        line = CommandLine(running.console_url, tmp_path / "home", running.ports)
        olga = line.done(admin, "user", "add", "olga", "--role", "operator")
        approvers = [line.done(admin, "user", "add", name, "--role", "approver") for name in ("anna", "ben")]
        key = line.done(admin, "user", "add", "app", "--role", "ingest")
        assert "Ask somebody with the role operator" in line.refused(
            approvers[0], "release", "register", "good", "--engine", "external", "--url", engines["good"],
            "--served-name", "good",
        )  # fmt: skip
        for release, url in engines.items():
            external = ("--engine", "external", "--url", url, "--served-name", release)
            assert "engine ready" in line.done(olga, "release", "register", release, *external)
        assert "careless" in line.done(olga, "release", "list")
        line.done(olga, "deployment", "create", "task-api", "--stable", "good")
        shadow = ("deployment", "shadow", "task-api", "careless", "--share", "0.5", "--window", "00:00-00:00")
        line.done(olga, *shadow)
        assert "stable release" in line.refused(olga, "deployment", "shadow", "task-api", "good")
        capture = ("deployment", "configure", "task-api", "--capture", "metadata", "--reason", "because")
        assert "approver" in line.refused(olga, *capture)
        shown = json.loads(line.done(olga, "deployment", "show", "task-api"))["deployment"]
        assert [rule["release"] for rule in shown["shadows"]] == ["careless"]

        plan = tmp_path / "plan.yaml"
        plan.write_text(PLAN.replace("valid_answer", "beauty"))
        assert "valid_answer" in line.refused(olga, "rollout", "start", str(plan)), "known metrics are listed"
        plan.write_text(PLAN)
        started = json.loads(line.done(olga, "rollout", "start", str(plan)))
        rollout, digest = started["rollout"]["id"], started["plan_digest"]
        shown = json.loads(line.done(olga, "deployment", "show", "task-api"))["deployment"]
        assert (shown["candidate"], shown["shadows"]) == ("careless", []), "the rollout says what it gets"
        assert "approve" in line.refused(olga, "rollout", "approve", rollout, "--plan", digest)
        line.refused(approvers[0], "rollout", "approve", rollout, "--plan", "0" * 64)
        for approver in approvers:
            line.done(approver, "rollout", "approve", rollout, "--plan", digest)

        with openai.OpenAI(base_url=f"{running.router_url}/v1", api_key=key, max_retries=0) as client:
            wait_for(lambda: ask(client, 1) is not None, "the first answer")

            def held() -> bool:
                """Users go on asking: an answer that failed makes no pair."""
                for number in range(40):
                    ask(client, number)
                shown = json.loads(line.done(olga, "rollout", "show", rollout))
                return bool(shown["rollout"]["state"] == "held")

            wait_for(held, "the judge's word", 120)
        assert "guardrail" in line.refused(
            approvers[0], "rollout", "override", rollout, "--check", "errors", "--reason", "please"
        )
        said = line.done(olga, "rollback", "task-api", "--reason", "it is careless")
        assert "completed careless → good" in said
        assert "quarantine" in line.refused(olga, "rollout", "start", str(plan)).lower()
        assert line.refused(olga, "rollback", "task-api", "--reason", "again"), (
            "nothing is left to go back to"
        )
        assert "WRONG" not in line.done(olga, "doctor")
        expect_a_second_start_to_be_refused(tmp_path / "home", tmp_path / "other", running.ports)
    assert "does not answer" in line.run(olga, "release", "list").stderr
    assert "WRONG" in line.run(olga, "doctor").stdout


def expect_a_second_start_to_be_refused(home: Path, other: Path, ports: dict[str, str]) -> None:
    """The rooms of `home` listen on `ports`; nothing has run in `other`."""
    for folder, message in ((home, "already runs"), (other, "is in use")):
        environment = os.environ | ports | {"AFTERTUNE_HOME": str(folder)}
        second = subprocess.run(
            [sys.executable, "-m", "aftertune", "up"],
            env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert second.returncode == 2
        assert message in second.stderr
