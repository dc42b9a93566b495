"""Training in process, on a few short rows: going on, ending early, what is left behind."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from aftertune.digest import weights_digest
from aftertune.errors import BadInput, Conflict, Corrupt
from tests.training.jobs import EXAMPLE, small_spec
from training import checkpoint
from training.checkpoint import Progress
from training.corpus import samples
from training.job import CHECKPOINT_FILE
from training.order import Order, place_order
from training.recipes import sample_line
from training.spec import Spec
from training.tuning import Tuning


@pytest.fixture(autouse=True)
def _deterministic() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    yield
    torch.use_deterministic_algorithms(mode=False)
    torch.set_num_threads(before)


def ignored(_progress: Progress, _saved: int | None) -> None:
    pass


def tune(order: Order, folder: Path, *, stop_after: int | None = None) -> Progress:
    """One attempt, ended after so many steps; returns the last progress."""
    folder.mkdir(exist_ok=True)
    steps, seen = count(1), [Progress(order=order.digest)]

    def report(progress: Progress, _saved: int | None) -> None:
        seen.append(progress)

    Tuning(order, folder, report, stop=lambda: next(steps) == stop_after).run()
    return seen[-1]


def without_time(progress: Progress) -> Progress:
    return progress.model_copy(update={"seconds": 0.0, "attempts": 1})


@pytest.fixture(scope="module")
def through(tmp_path_factory: pytest.TempPathFactory) -> tuple[Order, Progress, Path]:
    """A job that ran through without a stop."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("through")
    order = place_order(small_spec(folder))
    return order, tune(order, folder), folder


@pytest.mark.parametrize("stop_after", [1, 3, 4, 11])
def test_a_job_that_was_stopped_comes_to_the_same_bytes(
    tmp_path: Path, through: tuple[Order, Progress, Path], stop_after: int
) -> None:
    order, progress, folder = through
    stopped = tune(order, tmp_path, stop_after=stop_after)
    assert stopped.step == stop_after
    assert not (tmp_path / "adapter").exists()
    resumed = tune(order, tmp_path)
    assert without_time(resumed) == without_time(progress)
    assert resumed.attempts == 2
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (tmp_path / "adapter" / name).read_bytes() == (folder / "adapter" / name).read_bytes()


def test_a_job_that_was_killed_after_its_last_step_needs_no_more_steps(
    tmp_path: Path, through: tuple[Order, Progress, Path]
) -> None:
    order, _, folder = through
    (tmp_path / CHECKPOINT_FILE).write_bytes((folder / CHECKPOINT_FILE).read_bytes())
    assert tune(order, tmp_path).step == order.steps
    assert (tmp_path / "adapter/adapter_model.safetensors").exists()


def test_the_curve_has_a_point_a_validation_and_losses_between(through: tuple[Order, Progress, Path]) -> None:
    _, progress, _ = through
    assert [point.step for point in progress.points] == list(range(1, 13))
    assert [point.step for point in progress.points if point.validation is not None] == [3, 6, 9, 12]
    assert progress.best_validation == min(point.validation or 9.0 for point in progress.points)
    assert progress.points[-1].loss < progress.points[0].loss / 2


def test_record_and_card_say_what_was_done_and_name_no_path(through: tuple[Order, Progress, Path]) -> None:
    order, progress, folder = through
    record = json.loads((folder / "adapter/training_record.json").read_text())
    assert record["base"] == {"name": "task-api-base", "weights_sha256": weights_digest(EXAMPLE / "base")}
    assert record["dataset"]["train"] == {"sha256": order.data.train.sha256, "samples": 9}
    assert record["dataset"]["validation"]["samples"] == 4
    assert (record["steps_done"], record["ended_by"], record["best_step"]) == (
        12,
        "schedule",
        progress.best_step,
    )
    card = (folder / "adapter/README.md").read_text()
    assert "A test." in card
    assert f"checkpoint of step {progress.best_step}: validation loss" in card
    assert "(n = 4 conversations)" in card
    for file in (folder / "adapter").iterdir():
        assert str(Path.home()).encode() not in file.read_bytes()
        assert str(folder).encode() not in file.read_bytes()
        assert str(EXAMPLE).encode() not in file.read_bytes()


def test_training_ends_early_and_the_best_checkpoint_is_exported(tmp_path: Path) -> None:
    spec = small_spec(tmp_path, steps=60, every=2, patience=2)
    schedule = spec.schedule.model_copy(update={"peak_rate": 0.3})
    progress = tune(place_order(spec.model_copy(update={"schedule": schedule})), tmp_path)
    assert progress.best_step == progress.step - 4 < 56
    record = json.loads((tmp_path / "adapter/training_record.json").read_text())
    assert record["ended_by"] == "early stopping"
    exported = load_file(tmp_path / "adapter/adapter_model.safetensors")
    saved = load_file(tmp_path / CHECKPOINT_FILE)
    for name, weights in exported.items():
        inside = name.replace(".weight", ".default.weight")
        assert torch.equal(weights, saved[f"best:{inside}"])
        assert not torch.equal(weights, saved[f"weights:{inside}"])


def test_weights_that_came_apart_reach_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = iter([1.0, float("nan")])
    monkeypatch.setattr("training.optimise.Learner.loss", lambda *_: next(measured))
    with pytest.raises(FloatingPointError, match="the validation loss of step 6 is nan"):
        tune(place_order(small_spec(tmp_path)), tmp_path)
    found = checkpoint.load(tmp_path)
    assert found is not None
    assert found.progress.step == 3


def another(spec: Spec) -> Order:
    return place_order(spec.model_copy(update={"seed": 4}))


def test_the_checkpoint_of_another_order_is_refused(tmp_path: Path) -> None:
    spec = small_spec(tmp_path)
    tune(place_order(spec), tmp_path, stop_after=2)
    with pytest.raises(Conflict, match=r"other settings, data or base \(step 2\).*--fresh"):
        Tuning(another(spec), tmp_path, ignored, lambda: False)


@pytest.mark.parametrize("content", [b"", b"\x08\0\0\0\0\0\0\0{}      ", b"x" * 100])
def test_a_broken_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CHECKPOINT_FILE).write_bytes(content)
    with pytest.raises(Corrupt, match=r"cannot be read.*--fresh"):
        Tuning(place_order(small_spec(tmp_path)), tmp_path, ignored, lambda: False)


def test_a_row_that_the_base_cannot_read_is_named(tmp_path: Path) -> None:
    spec = small_spec(tmp_path)
    [sample] = samples("fact", "train", 1, 1)
    long = json.loads(sample_line(sample))
    long["messages"][0]["content"] = "why " * 2000
    with spec.data.train.open("a") as file:
        file.write(json.dumps(long) + "\n")
    with pytest.raises(BadInput, match=r"train\.jsonl:10: \d+ tokens; the base reads 1024 \(1 such lines\)"):
        Tuning(place_order(spec), tmp_path, ignored, lambda: False)


def test_the_digest_of_an_order_follows_what_shapes_the_weights(tmp_path: Path) -> None:
    spec = small_spec(tmp_path)
    order = place_order(spec)
    assert place_order(spec.model_copy(update={"purpose": "Other.", "suites": ("a",)})).digest == order.digest
    assert another(spec).digest != order.digest
    spec.data.train.write_text(spec.data.train.read_text() * 2)
    assert place_order(spec).digest != order.digest


def test_a_base_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no model"):
        place_order(small_spec(tmp_path).model_copy(update={"base": tmp_path}))
