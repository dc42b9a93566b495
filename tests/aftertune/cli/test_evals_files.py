"""`aftertune evals compare|rescore|export|import` on files and on runs of the console."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from aftertune.cli import evals_files
from aftertune.cli.app import app
from aftertune.clock import ManualClock
from aftertune.errors import AftertuneError
from aftertune.store import Store
from aftertune.values.evaluation import Answer
from evals.archive.run_file import RunFile, read_run, run_file, write_run
from tests.evals.world import World, asks, served, small_suites


class Console:
    """Has one run."""

    def __init__(self, file: RunFile) -> None:
        self._file = file

    def get(self, path: str) -> Any:
        if path.endswith("/samples"):
            return [result.model_dump(mode="json") for result in self._file.results]
        return self._file.run.model_dump(mode="json")


@pytest.fixture
def suites(tmp_path: Path) -> Path:
    small_suites(tmp_path / "suites")
    return tmp_path / "suites"


@pytest.fixture
def stored(store: Store, clock: ManualClock, tmp_path: Path, suites: Path) -> Path:
    """The file of a run of `calls` on v1."""
    world = World(store, clock, small_suites(suites))
    with served("v1") as engine:
        world.register("v1", engine.url)
        world.ask_for("v1", "calls")
        world.step()
    path = tmp_path / "run.jsonl"
    write_run(path, run_file(world.run(), world.suites["calls"].samples, world.results()))
    return path


def invoke(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["evals", *map(str, arguments)], env={"COLUMNS": "200"})
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_an_unchanged_run_rescores_to_its_own_bytes(stored: Path, suites: Path, tmp_path: Path) -> None:
    out = tmp_path / "again.jsonl"
    code, said = invoke("rescore", stored, "--suites", suites, "--out", out)
    assert (code, said) == (0, "run-1: unchanged, byte for byte.\n")
    assert out.read_bytes() == stored.read_bytes()


def test_what_changed_is_said(stored: Path, suites: Path) -> None:
    file = read_run(stored)
    wrong = file.results[0].model_copy(update={"answers": ()})
    write_run(stored, file._replace(results=(wrong, *file.results[1:])))
    before = stored.read_bytes()
    code, said = invoke("rescore", stored, "--suites", suites)
    assert code == 1
    assert "1.0000 (n = 18) → 1.0000 (n = 17)" in said
    assert stored.read_bytes() == before


def test_two_runs_are_compared(stored: Path, suites: Path) -> None:
    code, said = invoke("compare", stored, stored, "--suites", suites)
    assert code == 0
    assert said.startswith("v1 (run-1) − v1 (run-1)")
    assert "end_to_end" in said


def test_a_suite_that_changed_is_refused(stored: Path, suites: Path) -> None:
    card = suites / "calls" / "card.yaml"
    card.write_text(card.read_text().replace('version: "1"', 'version: "2"'))
    for command in (("rescore", stored), ("compare", stored, stored)):
        with pytest.raises(AftertuneError, match="version 1 is now 2") as refused:
            invoke(*command, "--suites", suites)
        assert refused.value.exit_code == 2


def test_a_run_of_the_console_is_exported(
    stored: Path, suites: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evals_files, "client_from_environment", lambda _: Console(read_run(stored)))
    out = tmp_path / "exported.jsonl"
    code, said = invoke("export", "run-1", "--out", out, "--suites", suites)
    assert (code, said) == (0, f"{out}: run-1, 20 results.\n")
    assert out.read_bytes() == stored.read_bytes()

    assert invoke("export", "run-1", "--format", "inspect", "--out", out)[0] == 0
    assert json.loads(out.read_text())["version"] == 2


def test_samples_are_imported(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text(json.dumps(asks("a", "2 + 2?", {"kind": "exact_match", "answers": ["4"]})))
    code, said = invoke("import", source, "--out", tmp_path / "sums", "--licence", "ours")
    assert (code, said) == (0, f"{tmp_path / 'sums'}: 1 samples. Look at its card.yaml.\n")


def test_flaky_samples_are_listed_with_their_answers(stored: Path) -> None:
    file = read_run(stored)
    first, *others = file.results
    unsteady = first.model_copy(
        update={"answers": tuple(Answer(text=text) for text in ("yes", "no", "yes\x1b[31m", "yes"))}
    )
    write_run(stored, file._replace(results=(unsteady, *others)))
    code, said = invoke("flaky", stored)
    assert code == 0
    assert first.sample in said
    assert "2× yes" in said
    assert "\x1b" not in said
    assert "run-1: 1 samples with two or more different answers." in said
