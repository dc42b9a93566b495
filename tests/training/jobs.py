"""Small jobs on the committed base: a few steps on a few short rows."""

from datetime import UTC, datetime
from pathlib import Path

import yaml

from aftertune.values.training import TrainingJob, TrainingState
from training.corpus import samples
from training.recipes import sample_line, write_tools
from training.spec import DataSpec, LoraSpec, Schedule, Spec, ValidationSpec

EXAMPLE = Path(__file__).parents[2] / "examples/task_api"
NOW = datetime(2026, 1, 5, tzinfo=UTC)
JOB = TrainingJob(
    id="v9",
    release="v9",
    spec="a",
    state=TrainingState.RUNNING,
    by="olga",
    host="here",
    pid=7,
    started_at=NOW,
    heartbeat_at=NOW,
    steps=10,
)


def small_spec(
    folder: Path, *, release: str = "tiny", steps: int = 12, batch: int = 2, every: int = 3, patience: int = 0
) -> Spec:
    """Its data files are written to `folder`."""
    for name, seed in (("train", 1), ("validation", 2)):
        lines = [sample_line(each) for each in samples("fact", "train", 9, seed)]
        (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    write_tools(folder / "tools.json")
    return Spec(
        release=release,
        purpose="A test.",
        base=EXAMPLE / "base",
        data=DataSpec(
            train=folder / "train.jsonl",
            validation=folder / "validation.jsonl",
            tools=folder / "tools.json",
        ),
        # With dropout, so that going on needs the random state too.
        lora=LoraSpec(rank=2, alpha=4, dropout=0.1, layers=("q_proj", "v_proj")),
        schedule=Schedule(steps=steps, batch=batch, peak_rate=1e-2, warm_up=2),
        validation=ValidationSpec(every=every, patience=patience, samples=4),
        seed=3,
    )


def spec_file(folder: Path, spec: Spec) -> Path:
    """The spec as a file in `folder`, where its data lies."""
    said = spec.model_dump(mode="json")
    said["data"] = {name: Path(path).name for name, path in said["data"].items()}
    file = folder / "spec.yaml"
    file.write_text(yaml.safe_dump(said))
    return file
