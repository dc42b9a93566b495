"""What got worse in a run, and what got better: its paired differences, held to account together."""

from collections.abc import Sequence
from enum import StrEnum

from aftertune.identity import Permission
from aftertune.stats.multiplicity import holm
from aftertune.values.evaluation import Better, Difference, EvaluationRun, Gate
from aftertune.values.value import Value
from console.access import CallerOf, ContextOf, guarded_router, needs
from console.chart import tests
from console.concealment import run_for
from console.names import PathName
from console.trend import role_of

router = guarded_router("evaluations")

LEVEL = 0.05
"""The chance that any of a run's whole metrics, or any of its tasks, is called changed when none did."""


class Standing(StrEnum):
    """`worse` and `better`: more than chance explains, all that was compared counted. `perhaps`: not more."""

    WORSE = "worse"
    PERHAPS_WORSE = "perhaps_worse"
    SAME = "same"
    PERHAPS_BETTER = "perhaps_better"
    BETTER = "better"
    UNMEASURED = "unmeasured"


class Finding(Value):
    """One difference. `loss`: how much worse the release is, whichever way the metric improves; negative for a gain.

    `adjusted`: its p-value by Holm over all whole metrics of the run, or, of a single task, over all tasks.
    `gate`: the one that stands on it.
    """

    difference: Difference
    role: str
    loss: float | None
    adjusted: float | None
    standing: Standing
    gate: Gate | None

    @property
    def of_task(self) -> bool:
        return "/" in self.difference.metric

    @property
    def missed(self) -> bool:
        return self.gate is not None and self.gate.passed is False


class Regression(Value):
    """`compared`: whole metrics with a p-value, all of which the adjustment counts; `tasks`: single tasks, likewise.

    Worst first, best first.
    `missed`: gates on the release's own scores that are not kept; there is nothing to compare in them.
    """

    run: str
    suite: str
    release: str
    compared: int
    tasks: int
    worse: tuple[Finding, ...]
    better: tuple[Finding, ...]
    same: tuple[Finding, ...]
    unmeasured: tuple[Finding, ...]
    missed: tuple[Gate, ...]


@router.get("/v1/evaluations/{run}/regression", dependencies=[needs(Permission.READ)])
def get_regression(run: PathName, context: ContextOf, caller: CallerOf) -> Regression:
    """What got worse against the baselines, worst first; the ids of the samples that changed sides are in each difference."""
    with context.store.read() as tx:
        return regression(run_for(caller, tx.evaluations.get(run)))


def regression(run: EvaluationRun) -> Regression:
    found = findings(run, run.differences)
    return Regression(
        run=run.id,
        suite=run.suite,
        release=run.release,
        compared=sum(each.adjusted is not None for each in found if not each.of_task),
        tasks=sum(each.adjusted is not None for each in found if each.of_task),
        worse=tuple(sorted((f for f in found if _lost(f)), key=_badness)),
        better=tuple(
            sorted((f for f in found if _gained(f) and not f.missed), key=lambda f: (_certain(f), -_size(f)))
        ),
        same=tuple(f for f in found if f.standing is Standing.SAME and not f.missed),
        unmeasured=tuple(f for f in found if f.standing is Standing.UNMEASURED and not f.missed),
        missed=tuple(gate for gate in run.gates if gate.passed is False and not gate.bound.of_difference),
    )


def findings(run: EvaluationRun, differences: Sequence[Difference]) -> list[Finding]:
    """In the order of the differences. Whole metrics and single tasks are families of their own: tasks say where."""
    p = [each.p for each in differences]
    whole = ["/" not in each.metric for each in differences]
    over_wholes = _adjusted([value if of_whole else None for value, of_whole in zip(p, whole, strict=True)])
    over_tasks = _adjusted([None if of_whole else value for value, of_whole in zip(p, whole, strict=True)])
    return [
        _finding(run, each, over_wholes[at] if whole[at] else over_tasks[at])
        for at, each in enumerate(differences)
    ]


def _adjusted(p_values: Sequence[float | None]) -> list[float | None]:
    known = [p for p in p_values if p is not None]
    adjusted = iter(holm(known) if known else ())
    return [None if p is None else next(adjusted) for p in p_values]


def _finding(run: EvaluationRun, difference: Difference, adjusted: float | None) -> Finding:
    estimate = difference.estimate
    loss = None
    if estimate is not None:
        loss = -estimate if difference.better is Better.HIGHER else estimate
    return Finding(
        difference=difference,
        role=role_of(run, difference.baseline),
        loss=loss,
        adjusted=adjusted,
        standing=_standing(loss, adjusted),
        gate=next((gate for gate in run.gates if tests(gate, difference)), None),
    )


def _standing(loss: float | None, adjusted: float | None) -> Standing:
    if loss is None:
        return Standing.UNMEASURED
    if loss == 0:
        return Standing.SAME
    real = adjusted is not None and adjusted <= LEVEL
    if loss > 0:
        return Standing.WORSE if real else Standing.PERHAPS_WORSE
    return Standing.BETTER if real else Standing.PERHAPS_BETTER


def _lost(finding: Finding) -> bool:
    return finding.missed or (finding.loss is not None and finding.loss > 0)


def _gained(finding: Finding) -> bool:
    return finding.loss is not None and finding.loss < 0


def _badness(finding: Finding) -> tuple[bool, bool, float]:
    """Missed gates first, then what is certain, then by size."""
    return not finding.missed, _certain(finding), -_size(finding)


def _certain(finding: Finding) -> bool:
    """False sorts first."""
    return finding.standing not in (Standing.WORSE, Standing.BETTER)


def _size(finding: Finding) -> float:
    """In smallest detectable changes, so that metrics of different units stand in one order."""
    loss, least = finding.loss, finding.difference.smallest_detectable
    return 0.0 if loss is None or not least else abs(loss) / least
