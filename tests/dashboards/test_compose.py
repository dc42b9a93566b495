"""compose.yaml, read by the real Docker Compose, which also checks it against the Compose schema that it carries.

`scripts/compose` provides the program; no container is started.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from aftertune.settings import PREFIX, known_names
from dashboards.places import COMPOSE

ROOT = Path(__file__).parents[2]
REQUIRED = {"POSTGRES_PASSWORD": "a", "GRAFANA_ADMIN_PASSWORD": "b", "VLLM_RELEASE": "v1"}
PROFILES = ("", "candidate", "train", "*")
ONCE = {"prepare", "train", "merge"}
ROOMS = {"router", "monitor", "engines", "encoder", "evals", "reports", "console"}
OTHERS = {"vllm", "postgres", "prometheus", "alertmanager", "grafana"}
PUBLISHED = {"router": "8080", "console": "8083", "grafana": "3000"}


def compose(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Without the variables of this machine, and without a .env file."""
    plugin = (
        subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if (shutil.which("docker"))
        else None
    )
    found = ["docker", "compose"] if plugin and not plugin.returncode else [_unpacked()]
    return subprocess.run(
        [*found, "--file", "compose.yaml", "--env-file", os.devnull, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _unpacked() -> str:
    program = Path(sys.executable).parent / "docker-compose"
    assert program.is_file(), "there is no Docker Compose; run scripts/compose"
    return str(program)


def config(profile: str = "*") -> dict[str, Any]:
    done = compose("--profile", profile, "config", "--format", "json", **REQUIRED)
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    return read


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = config()["services"]
    return found


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_is_accepted(profile: str) -> None:
    done = compose("--profile", profile, "config", "--quiet", **REQUIRED)

    assert (done.returncode, done.stderr) == (0, "")


def test_what_each_profile_starts() -> None:
    always = ROOMS | OTHERS | {"prepare"}

    assert set(config("")["services"]) == always
    assert set(config("candidate")["services"]) == always | {"vllm-candidate"}
    assert set(config("train")["services"]) == always | {"train", "merge"}


@pytest.mark.parametrize("missing", REQUIRED)
def test_what_must_be_said_is_asked_for(missing: str) -> None:
    said = {name: value for name, value in REQUIRED.items() if name != missing}

    done = compose("config", "--quiet", **said)

    assert done.returncode != 0
    assert f"required variable {missing} is missing a value: say which" in done.stderr


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "compose.yaml").read_text()

    for name, rest in re.findall(r"\$\{(\w*(?:PASSWORD|TOKEN|KEY|SECRET)\w*)([^}]*)\}", text):
        assert rest == "" or rest.startswith(":?"), name
    assert not re.search(r"(?i)(password|token|secret): *[\"']?[a-z0-9]", text)


def test_images_are_pinned(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?(-\w+)?", service["image"]), name
        assert "latest" not in service["image"]
    recipe = (ROOT / "containers" / "Dockerfile").read_text()
    assert set(re.findall(r"^FROM (\S+)", recipe, re.MULTILINE)) == {"python:3.11.13-slim-bookworm"}


def test_what_runs_on_is_watched_and_restarted(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if name in ONCE:
            assert service["restart"] == "no", name
            continue
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] == "CMD", name


def test_each_room_is_one_service_with_its_own_module(services: dict[str, Any]) -> None:
    modules = {name: services[name]["command"] for name in ROOMS}

    assert modules == {
        name: ["python", "-m", f"serving.{name}" if name in ("router", "engines", "encoder") else name]
        for name in ROOMS
    }


def test_services_hold_little_power(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name
        if name != "postgres":
            assert service["cap_drop"] == ["ALL"], name
        if name not in ("postgres", "vllm", "vllm-candidate"):
            assert service["read_only"], name


def test_only_three_ports_are_published_and_only_to_this_host(services: dict[str, Any]) -> None:
    published = {
        (name, port["host_ip"], port["published"])
        for name, service in services.items()
        for port in service.get("ports", ())
    }

    assert published == {(name, "127.0.0.1", port) for name, port in PUBLISHED.items()}


def test_dependencies_wait_for_health(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for on, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if on in ONCE else "service_healthy"
            assert how["condition"] == wanted, f"{name} on {on}"
    for room in ROOMS - {"router", "encoder"}:
        assert {"prepare", "postgres"} <= services[room]["depends_on"].keys(), room


def test_settings_exist_and_the_router_has_no_database(services: dict[str, Any]) -> None:
    known = {f"{PREFIX}{name.upper()}" for name, _ in known_names()}

    for name, service in services.items():
        given = {variable for variable in service.get("environment", {}) if variable.startswith(PREFIX)}
        assert given <= known, name
        database = service.get("environment", {}).get("AFTERTUNE_DATABASE__URL", "postgresql+psycopg://")
        assert database.startswith("postgresql+psycopg://"), name
    assert "AFTERTUNE_DATABASE__URL" not in services["router"]["environment"]


def volumes(service: dict[str, Any]) -> dict[str, bool]:
    """Named volume → whether it may be written."""
    return {
        volume["source"]: not volume.get("read_only", False)
        for volume in service.get("volumes", ())
        if volume["type"] == "volume"
    }


def test_who_shares_what(services: dict[str, Any]) -> None:
    assert volumes(services["router"])["spool"]
    assert volumes(services["console"])["spool"]
    assert volumes(services["monitor"])["spool"]
    assert volumes(services["reports"])["reports"]
    assert volumes(services["console"])["reports"] is False
    assert volumes(services["vllm"])["models"] is False
    readers = {name for name, service in services.items() if volumes(service).get("control") is False}
    assert readers == {"router", "monitor", "console", "alertmanager"}
    assert {name for name, service in services.items() if "report-key" in volumes(service)} == {"reports"}


def test_mounted_files_are_there(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for volume in service.get("volumes", ()):
            if volume["type"] == "bind":
                assert Path(volume["source"]).exists(), f"{name}: {volume['source']}"
                assert volume["read_only"], name


def test_prometheus_scrapes_services_that_are_there(services: dict[str, Any]) -> None:
    for job, target in COMPOSE.targets.items():
        assert target.partition(":")[0] in services, job


def test_every_room_of_an_image_is_copied_into_it() -> None:
    kept = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }

    assert {"pyproject.toml", "README.md", "requirements/lock.txt"} <= kept
    assert {room.partition(".")[0] for room in ("serving", *ROOMS - {"router", "engines", "encoder"})} <= kept
    assert all((ROOT / name).exists() for name in kept)


def test_anchors_are_read_as_yaml_reads_them(services: dict[str, Any]) -> None:
    """Compose and plain YAML agree on the services: nothing hangs on an extension of either."""
    plain = yaml.safe_load((ROOT / "compose.yaml").read_text())

    assert set(plain["services"]) == set(services)
