"""Scores a stored run again from what was answered and judged: no engine and no judge is asked."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from aftertune.errors import BadInput
from aftertune.values.evaluation import EvaluationRun, Signature
from evals.archive.run_file import RunFile, run_file
from evals.conclusion.conclude import conclude
from evals.harness.scored import sample_result
from evals.suite.card import Role
from evals.suite.suite import Suite


class Rescored(NamedTuple):
    """`changed`: every metric whose score, difference or gate is another one now, with both estimates in words."""

    file: RunFile
    changed: Mapping[str, str]


def suite_of(run: EvaluationRun, suites: Mapping[str, Suite]) -> Suite:
    """The suite as the run asked it. Raises BadInput when it is not there any more, or has changed since."""
    signature = run.signature
    if signature is None or not run.scores:
        raise BadInput(f"Run {run.id} was not measured: there is nothing to score.")
    suite = suites.get(run.suite)
    if suite is None:
        raise BadInput(
            f"There is no suite {run.suite!r}. Known: {', '.join(sorted(suites))}.",
            "Name its folder with --suites.",
        )
    if changed := different(signature, suite):
        raise BadInput(
            f"The suite {run.suite} has changed since run {run.id}: {'; '.join(changed)}.",
            "Name the folder of the suite as it was with --suites.",
        )
    return suite


def different(signature: Signature, suite: Suite) -> list[str]:
    """What of a suite is not as it was; a scorer may have changed: that is what scoring again is for."""
    pairs = (
        ("version", signature.suite_version, suite.card.version),
        ("dataset", signature.dataset[:12], suite.dataset[:12]),
        ("seed", str(signature.seed), str(suite.card.seed)),
    )
    return [f"{name} {was} is now {now}" for name, was, now in pairs if was != now]


def rescored(file: RunFile, suite: Suite) -> Rescored:
    """Pure. Nothing changed: the same bytes. Raises BadInput when results and suite do not fit."""
    run, signature = file.run, file.run.signature
    assert signature is not None
    samples = {sample.id: sample for sample in suite.samples}
    if unknown := {result.sample for result in file.results} - samples.keys():
        raise BadInput(f"Run {run.id} has results of {min(unknown)!r}, which the suite {run.suite} has not.")
    _require_whole(file)
    results = [
        sample_result(
            suite,
            run.id,
            result.release,
            samples[result.sample],
            result.answers,
            result.judgements,
            error=result.error,
            latency_s=result.latency_s,
        )
        for result in file.results
    ]
    roles = {Role(role): release for role, release in signature.roles.items()}
    concluded = conclude(suite, run.release, roles, results)
    again = run.model_copy(
        update={
            "state": concluded.state,
            "reason": concluded.reason,
            "scores": concluded.scores,
            "differences": concluded.differences,
            "gates": concluded.gates,
            "budgets": concluded.budgets,
            "unmeasured": concluded.unmeasured,
            "signature": signature.model_copy(
                update={"scorers": {scorer.name: scorer.version for scorer in suite.scorers}}
            ),
        }
    )
    return Rescored(run_file(again, file.samples, results), _changes(run, again))


def _require_whole(file: RunFile) -> None:
    """What is missing from a file would be missing from every gate. A run that ended early has fewer from the start."""
    run = file.run
    counts = Counter(result.release for result in file.results)
    for release in (run.release, *(run.signature.baselines if run.signature else ())):
        if counts[release] < run.done:
            raise BadInput(
                f"Run {run.id} measured {run.done} samples, and the file holds {counts[release]} results of {release}.",
                "Export the run again.",
            )


def _changes(before: EvaluationRun, after: EvaluationRun) -> dict[str, str]:
    was, now = _by_metric(before), _by_metric(after)
    return {
        name: f"{_said(was.get(name))} → {_said(now.get(name))}"
        for name in (*was, *(name for name in now if name not in was))
        if was.get(name) != now.get(name)
    }


def _by_metric(run: EvaluationRun) -> dict[str, object]:
    scores = {score.metric: score for score in run.scores}
    differences = {f"{each.metric} against {each.baseline}": each for each in run.differences}
    gates = {f"gate {each.metric} {each.bound} {each.baseline}".strip(): each for each in run.gates}
    return {**scores, **differences, **gates}


def _said(found: object) -> str:
    if found is None:
        return "none"
    value = getattr(found, "estimate", getattr(found, "value", None))
    return (
        "unmeasured"
        if value is None
        else f"{value:.4f} (n = {found.n})"
        if hasattr(found, "n")
        else f"{value:.4f}"
    )
