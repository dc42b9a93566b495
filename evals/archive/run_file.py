"""A run as one file: JSON lines, the run first, then its samples, then its results. The same run has the same bytes."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from aftertune.errors import BadInput
from aftertune.values.evaluation import EvaluationRun, SampleResult
from evals.archive.files import json_objects, write_whole
from evals.suite.sample import Sample
from evals.suite.validated import validated

FORMAT = "aftertune run"
VERSION = 1


class RunFile(NamedTuple):
    """`results` are those of all releases, by release and sample; `samples` may be empty, and are then not known."""

    run: EvaluationRun
    samples: tuple[Sample, ...]
    results: tuple[SampleResult, ...]


def run_file(run: EvaluationRun, samples: Iterable[Sample], results: Iterable[SampleResult]) -> RunFile:
    """In the order of a file."""
    return RunFile(
        run,
        tuple(sorted(samples, key=lambda sample: sample.id)),
        tuple(sorted(results, key=lambda result: (result.release, result.sample))),
    )


def document(file: RunFile) -> str:
    """Keys are sorted, so that equal runs are equal bytes."""
    return "".join(
        json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"
        for line in _lines(file)
    )


def write_run(path: Path, file: RunFile) -> None:
    """Whole or not at all. Raises BadInput when it cannot be written."""
    write_whole(path, document(file))


def read_run(path: Path) -> RunFile:
    """Raises BadInput that names the line."""
    run: EvaluationRun | None = None
    samples: list[Sample] = []
    results: list[SampleResult] = []
    for where, line in json_objects(path):
        if run is None:
            if line.get("format") != FORMAT or line.get("version") != VERSION:
                raise BadInput(
                    f"{where} does not begin a run of version {VERSION}.",
                    "Write it with aftertune evals export.",
                )
            run = validated(EvaluationRun, line.get("run"), where)
        elif "sample" in line:
            samples.append(validated(Sample, line["sample"], where))
        else:
            results.append(validated(SampleResult, line.get("result"), where))
    if run is None:
        raise BadInput(f"{path} is empty.")
    if {result.run for result in results} - {run.id}:
        raise BadInput(f"{path} holds results of another run than {run.id}.")
    return run_file(run, _unique(samples, path), results)


def _lines(file: RunFile) -> Iterator[dict[str, Any]]:
    yield {"format": FORMAT, "version": VERSION, "run": file.run.model_dump(mode="json")}
    for sample in file.samples:
        yield {"sample": sample.model_dump(mode="json")}
    for result in file.results:
        yield {"result": result.model_dump(mode="json")}


def _unique(samples: Sequence[Sample], path: Path) -> Sequence[Sample]:
    if len({sample.id for sample in samples}) < len(samples):
        raise BadInput(f"{path} holds a sample twice.")
    return samples
