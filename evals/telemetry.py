"""The room's metrics, in a registry of their own."""

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge

from aftertune import telemetry
from aftertune.values.evaluation import Budget, EvaluationRun
from aftertune.values.watch import Outcome, Reading


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.runs = Counter(
            telemetry.EVALUATION_RUNS,
            "Evaluation runs that ended",
            ["suite", "trigger", "state"],
            registry=self.registry,
        )
        self.samples = Counter(
            telemetry.EVALUATION_SAMPLES,
            "Answers by a release under test or its baseline",
            ["suite", "outcome"],
            registry=self.registry,
        )
        scored = ["deployment", "suite", "trigger", "metric"]
        self.score = Gauge(
            telemetry.EVALUATION_SCORE,
            "Estimate of the last run; no deployment: of a release by itself",
            scored,
            registry=self.registry,
        )
        self.score_low = Gauge(
            telemetry.EVALUATION_SCORE_LOW,
            "Lower end of the estimate's 95 % interval",
            scored,
            registry=self.registry,
        )
        self.score_high = Gauge(
            telemetry.EVALUATION_SCORE_HIGH,
            "Upper end of the estimate's 95 % interval",
            scored,
            registry=self.registry,
        )
        self.budget_spent = Gauge(
            telemetry.EVALUATION_BUDGET_SPENT,
            "What a release lost of a skill against the baseline that it lost most against",
            scored,
            registry=self.registry,
        )
        self.budget_margin = Gauge(
            telemetry.EVALUATION_BUDGET_MARGIN,
            "What a release may lose of a skill",
            scored,
            registry=self.registry,
        )
        self.watch = Gauge(
            telemetry.EVALUATION_WATCH,
            "1 while the nightly watch says that a metric fell, 0 while it is quiet",
            ["deployment", "suite", "metric"],
            registry=self.registry,
        )
        self.last_success = Gauge(
            telemetry.TICK_TIMESTAMP, "When a loop last succeeded", ["job"], registry=self.registry
        )

    def ended(self, run: EvaluationRun) -> None:
        self.runs.labels(suite=run.suite, trigger=run.trigger, state=run.state).inc()
        self.show(run)

    def show(self, run: EvaluationRun) -> None:
        """The run's numbers replace those before; what was not measured has no series."""
        for score in run.scores:
            labels = (run.deployment or "", run.suite, run.trigger, score.metric)
            _put(self.score, labels, score.estimate)
            _put(self.score_low, labels, score.low)
            _put(self.score_high, labels, score.high)
        for metric, of_skill in _by_metric(run.budgets).items():
            labels = (run.deployment or "", run.suite, run.trigger, metric)
            spent = [budget.spent for budget in of_skill if budget.spent is not None]
            _put(self.budget_spent, labels, max(spent, default=None))
            _put(self.budget_margin, labels, min(budget.margin for budget in of_skill))
        if run.watch is not None and run.deployment is not None:
            for metric in run.watch.metrics:
                _put(self.watch, (run.deployment, run.suite, metric), _alarms(run.watch, metric))


def _put(gauge: Gauge, labels: Sequence[str], value: float | None) -> None:
    child = gauge.labels(*labels)
    if value is None:
        gauge.remove(*labels)
    else:
        child.set(value)


def _by_metric(budgets: Iterable[Budget]) -> dict[str, list[Budget]]:
    found: dict[str, list[Budget]] = {}
    for budget in budgets:
        found.setdefault(budget.metric, []).append(budget)
    return found


def _alarms(watch: Reading, metric: str) -> float | None:
    """An alarm stands through nights that could not be measured; quiet is only what was measured."""
    if watch.alarm is not None and watch.alarm.metric == metric:
        return 1.0
    return None if watch.outcome is Outcome.NOT_MEASURED else 0.0
