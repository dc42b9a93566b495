"""`aftertune train` against a real console: what is refused before training, and what is registered after it."""

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner, Result

from aftertune.cli.app import app
from aftertune.clock import SystemClock
from aftertune.settings import Settings
from aftertune.settings.sections import EngineSettings
from aftertune.store import Store
from aftertune.values.training import TrainingJob, TrainingState
from console.app import create_app
from tests.console.seed import Seeded, seed
from tests.training.jobs import EXAMPLE, small_spec, spec_file
from training.job import write_job
from training.order import place_order


@dataclass(frozen=True)
class Command:
    """Run as a person with a role would run it."""

    home: Path
    store: Store
    seeded: Seeded
    patch: pytest.MonkeyPatch

    def __call__(self, role: str, spec: Path, *more: str) -> Result:
        self.patch.setenv("AFTERTUNE_TOKEN", self.seeded.tokens[role])
        return CliRunner().invoke(app, ["train", str(spec), "--no-wait", *more])

    def training(self, *words: str) -> Result:
        self.patch.setenv("AFTERTUNE_TOKEN", self.seeded.tokens["viewer"])
        return CliRunner().invoke(app, ["training", *words], env={"COLUMNS": "160"})


@pytest.fixture
def command(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    settings = Settings(home=tmp_path, engines=EngineSettings(release_roots=(EXAMPLE,)))
    seeded = seed(store, SystemClock().now())
    served = create_app(store, settings, SystemClock(), lambda: None, CollectorRegistry())
    server = uvicorn.Server(uvicorn.Config(served, port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    [port] = [each.getsockname()[1] for each in server.servers[0].sockets]
    monkeypatch.setenv("AFTERTUNE_HOME", str(tmp_path))
    monkeypatch.setenv("AFTERTUNE_CONSOLE__PORT", str(port))
    yield Command(tmp_path, store, seeded, monkeypatch)
    server.should_exit = True
    thread.join()


def trained(home: Path, spec: Path, release: str = "tiny") -> TrainingJob:
    """The record of a job that has left its adapter, so that its process ends at once."""
    from training.spec import read_spec

    order, now = place_order(read_spec(spec)), SystemClock().now()
    folder = home / "training" / release
    (folder / "adapter").mkdir(parents=True)
    job = TrainingJob(
        id=release,
        release=release,
        spec=order.digest,
        state=TrainingState.SUCCEEDED,
        by="olga",
        host="here",
        pid=1,
        started_at=now,
        heartbeat_at=now,
        steps=order.steps,
        step=order.steps,
        best_step=9,
        best_validation=0.5,
    )
    write_job(folder, job)
    return job


def test_an_adapter_that_is_there_is_registered_once(command: Command, tmp_path: Path) -> None:
    spec = spec_file(tmp_path, small_spec(tmp_path))
    job = trained(tmp_path, spec)
    for said in ("tiny: registered\n", "tiny: registered already\n"):
        done = command("operator", spec)
        assert done.exit_code == 0, done.exception
        assert said in done.output
    with command.store.read() as tx:
        release = tx.releases.get("tiny")
        stored = tx.training.get("tiny")
    assert stored.model_copy(update={"heartbeat_at": job.heartbeat_at}) == job
    assert Path(release.adapter_path) == tmp_path / "training/tiny/adapter"
    assert release.created_by == "operator"
    fresh = command("operator", spec, "--fresh")
    assert "The release 'tiny' is registered already." in str(fresh.exception)
    assert (tmp_path / "training/tiny/adapter").exists()


@pytest.mark.parametrize(
    ("role", "release", "message"),
    [
        ("viewer", "tiny", "viewer may not register releases"),
        ("operator", "v1", "The release 'v1' is registered already. Choose another 'release'"),
    ],
)
def test_what_would_be_refused_at_the_end_is_refused_at_once(
    command: Command, tmp_path: Path, role: str, release: str, message: str
) -> None:
    done = command(role, spec_file(tmp_path, small_spec(tmp_path, release=release)))
    assert message in str(done.exception)
    assert not (tmp_path / "training").exists()


def test_an_unknown_suite_is_refused_at_once(command: Command, tmp_path: Path) -> None:
    spec = small_spec(tmp_path).model_copy(update={"suites": ("no_such_suite",)})
    done = command("operator", spec_file(tmp_path, spec))
    assert "Unknown evaluation suite 'no_such_suite'" in str(done.exception)
    assert not (tmp_path / "training").exists()


def test_a_broken_line_starts_nothing(command: Command, tmp_path: Path) -> None:
    spec = small_spec(tmp_path)
    with spec.data.train.open("a") as file:
        file.write('{"messages": [}\n')
    done = command("operator", spec_file(tmp_path, spec))
    assert "train.jsonl:10: not JSON: Expecting value at column 15" in str(done.exception)
    assert not (tmp_path / "training").exists()


def test_jobs_are_listed_and_shown(command: Command, tmp_path: Path) -> None:
    job = trained(tmp_path, spec_file(tmp_path, small_spec(tmp_path)))
    with command.store.write() as tx:
        tx.training.save(job)
    listed = command.training("list")
    assert re.search(
        rf"tiny +succeeded +12/12 +0\.5000 at 9 +olga +{job.heartbeat_at:%Y-%m-%dT}", listed.output
    )
    shown = command.training("show", "tiny")
    assert TrainingJob.model_validate_json(shown.output).spec == job.spec
    away = command.training("show", "v77")
    assert "There is no training job 'v77'. Known: tiny" in str(away.exception)
