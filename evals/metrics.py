"""The room's metrics, in a registry of their own."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from aftertune import telemetry
from aftertune.values.evaluation import EvaluationRun


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
        self.last_success = Gauge(
            telemetry.TICK_TIMESTAMP, "When a loop last succeeded", ["job"], registry=self.registry
        )

    def ended(self, run: EvaluationRun) -> None:
        self.runs.labels(suite=run.suite, trigger=run.trigger, state=run.state).inc()
        self.show(run)

    def show(self, run: EvaluationRun) -> None:
        """The run's scores replace those before; what was not measured has no series."""
        for score in run.scores:
            labels = (run.deployment or "", run.suite, run.trigger, score.metric)
            for gauge, value in ((self.score, score.estimate), (self.score_low, score.low)):
                child = gauge.labels(*labels)
                if value is None:
                    gauge.remove(*labels)
                else:
                    child.set(value)
