"""Drift and evaluations."""

from aftertune import telemetry
from dashboards.panel import Kind, Panel, Query, Row, Unit
from dashboards.promql import DEPLOYMENT, counter, events, greatest, or_zero, quantile, rate, series, total


def _watched(metric: str, *by: str) -> str:
    return greatest(series(metric, DEPLOYMENT), "deployment", *by)


_MISSED = total(rate(counter(telemetry.DRIFT_PASSED_OVER, DEPLOYMENT)), "deployment", "reason")
_PASSED_OVER = or_zero(_MISSED, total(series(telemetry.DRIFT_MEASURED, DEPLOYMENT), "deployment"))
DRIFT = Row(
    "Drift",
    (
        Panel(
            "Drift statistic and threshold",
            "Each chart's sequential statistic. It alarms when it reaches its threshold.",
            Unit.SCORE,
            (
                Query(_watched(telemetry.DRIFT_STATISTIC, "chart"), "{{deployment}} {{chart}}"),
                Query(_watched(telemetry.DRIFT_THRESHOLD, "chart"), "{{deployment}} {{chart}} threshold"),
            ),
        ),
        Panel(
            "Drift alarm",
            "1 while a deployment is in alarm, by cause; measured is 0 while the encoder cannot be had.",
            Unit.NUMBER,
            (
                Query(_watched(telemetry.DRIFT_ALARM, "cause"), "{{deployment}} alarm {{cause}}"),
                Query(_watched(telemetry.DRIFT_MEASURED), "{{deployment}} measured"),
            ),
            Kind.NEWEST,
        ),
        Panel(
            "Exchanges watched",
            "Conversations watched since each deployment's reference was learnt.",
            Unit.NUMBER,
            (Query(_watched(telemetry.DRIFT_OBSERVATIONS), "{{deployment}}"),),
        ),
        Panel(
            "Exchanges passed over",
            "Exchanges a second that drift did not observe, by reason.",
            Unit.RECORDS_PER_SECOND,
            (Query(_PASSED_OVER, "{{deployment}} {{reason}}"),),
        ),
        Panel(
            "Texts embedded",
            "Texts a second that the encoder was asked for, by how it went.",
            Unit.RECORDS_PER_SECOND,
            (Query(total(rate(counter(telemetry.EMBEDDINGS)), "outcome"), "{{outcome}}"),),
        ),
        Panel(
            "Time of a batch of embeddings",
            "How long the encoder's requests took: 99 % took no longer.",
            Unit.SECONDS,
            (Query(quantile(0.99, telemetry.EMBEDDING_SECONDS), "p99"),),
        ),
    ),
)


def _scores(metric: str) -> str:
    return greatest(series(metric), "deployment", "suite", "trigger", "metric")


_SCORED = "{{deployment}} {{suite}} {{metric}} {{trigger}}"
_RUNS = total(events(counter(telemetry.EVALUATION_RUNS)), "suite", "trigger", "state")
_SAMPLES = total(rate(counter(telemetry.EVALUATION_SAMPLES)), "suite", "outcome")
EVALUATION = Row(
    "Evaluations and reports",
    (
        Panel(
            "Scores and their bounds",
            "The newest score of each suite, in the metric's own unit, and the ends of its interval: gates look at the "
            "end that is worse.",
            Unit.SCORE,
            (
                Query(_scores(telemetry.EVALUATION_SCORE), _SCORED),
                Query(_scores(telemetry.EVALUATION_SCORE_LOW), f"{_SCORED} lower end"),
                Query(_scores(telemetry.EVALUATION_SCORE_HIGH), f"{_SCORED} upper end"),
            ),
        ),
        Panel(
            "Nightly watch",
            "1 while a metric of a deployment's stable release fell though nobody changed it; a gap: not measured.",
            Unit.NUMBER,
            (
                Query(
                    greatest(series(telemetry.EVALUATION_WATCH, DEPLOYMENT), "deployment", "suite", "metric"),
                    "{{deployment}} {{suite}} {{metric}}",
                ),
            ),
            Kind.NEWEST,
        ),
        Panel(
            "Forgetting budgets",
            "What releases lost of each skill, against the baseline that they lost most against, and what they may lose.",
            Unit.SCORE,
            (
                Query(_scores(telemetry.EVALUATION_BUDGET_SPENT), f"{_SCORED} spent"),
                Query(_scores(telemetry.EVALUATION_BUDGET_MARGIN), f"{_SCORED} margin"),
            ),
        ),
        Panel(
            "Evaluation runs",
            "Runs in the time shown, by suite, trigger and how they ended.",
            Unit.NUMBER,
            (Query(_RUNS, "{{suite}} {{trigger}} {{state}}"),),
            Kind.NEWEST,
        ),
        Panel(
            "Samples",
            "Samples a second that were answered and scored.",
            Unit.RECORDS_PER_SECOND,
            (Query(_SAMPLES, "{{suite}} {{outcome}}"),),
        ),
        Panel(
            "Reports",
            "Reports that were built in the time shown, by how it ended.",
            Unit.NUMBER,
            (Query(total(events(counter(telemetry.REPORTS)), "outcome"), "{{outcome}}"),),
            Kind.NEWEST,
        ),
    ),
)
