"""Whether prompts or answers moved away from their reference, and how often that alarm is false."""

from aftertune.values.drift import DriftReading, DriftState
from reports.cells import count, moment, table
from reports.document import Block, Cell, Digest, Figure, Missing, Nothing, Point, Section, Text, Trend
from reports.events import alarms
from reports.evidence import Evidence

NOTHING = (
    "No drift reading was stored in this week: the watch was not running or there was no traffic to read. Drift is "
    "not measured; that is not the same as no drift."
)
NAMED_EXAMPLES = 5


def drift(evidence: Evidence) -> Section:
    if not evidence.readings:
        return Section(name="drift", title="Drift", blocks=(Missing(text=NOTHING),))
    last = {reading.deployment: reading for reading in evidence.readings}
    return Section(
        name="drift",
        title="Drift",
        blocks=(
            table("Watches at the end", WATCH, (_watch(reading) for reading in last.values())),
            _charts(last),
            *_trends(evidence),
            _alarms(evidence),
            _gaps(evidence),
            Text(text=_stated(evidence)),
        ),
    )


WATCH = (
    ("deployment", "Deployment"),
    ("release", "Release"),
    ("state", "State"),
    ("cause", "Cause"),
    ("observations", "Conversations read"),
    ("reference", "Reference"),
    ("digest", "Reference's digest"),
    ("encoder*", "Encoder"),
    ("reason*", "Remark"),
)


def _watch(reading: DriftReading) -> tuple[Cell, ...]:
    return (
        reading.deployment,
        reading.release,
        reading.state.replace("_", " "),
        reading.cause.replace("_", " "),
        count(reading.observations),
        f"{reading.reference} of {reading.reference_wanted}",
        Digest(sha256=reading.reference_digest) if reading.reference_digest else "not full yet",
        reading.encoder or "none",
        reading.reason or "–",
    )


def _charts(last: dict[str, DriftReading]) -> Block:
    rows = [
        (
            reading.deployment,
            chart.name,
            Figure(value=chart.statistic, n=chart.observations),
            Figure(value=chart.threshold),
            "reached" if chart.statistic >= chart.threshold else "below",
        )
        for reading in last.values()
        for chart in reading.charts
    ]
    if not rows:
        return Missing(text="No detector has a value yet: the reference window is not full.")
    columns = (
        ("deployment", "Deployment"),
        ("chart", "Detector"),
        ("statistic", "Statistic"),
        ("threshold", "Alarms at"),
        ("stand", "Stand"),
    )
    return table("Detectors", columns, rows)


def _trends(evidence: Evidence) -> tuple[Block, ...]:
    """One drawing for each deployment: each detector's statistic as a share of its threshold."""
    drawn: list[Block] = []
    for deployment in sorted({reading.deployment for reading in evidence.readings}):
        series: dict[str, list[Point]] = {}
        for reading in evidence.readings:
            if reading.deployment == deployment:
                for chart in reading.charts:
                    value = chart.statistic / chart.threshold if chart.threshold else None
                    series.setdefault(chart.name, []).append(Point(at=reading.at, value=value))
        if any(len(points) > 1 for points in series.values()):
            drawn.append(
                Trend(
                    title=f"Drift of {deployment}",
                    y_label="statistic ÷ threshold",
                    limit=1.0,
                    limit_label="alarm",
                    series={name: tuple(points) for name, points in series.items()},
                )
            )
    return tuple(drawn)


def _alarms(evidence: Evidence) -> Block:
    rows = [
        (
            moment(reading.at),
            reading.deployment,
            reading.release,
            reading.cause.replace("_", " "),
            count(reading.observations),
            reading.reason or "–",
            ", ".join(reading.examples[:NAMED_EXAMPLES]) or "none named",
        )
        for reading in alarms(evidence.readings)
    ]
    if not rows:
        return Nothing(text="No detector alarmed in this week.")
    columns = (
        ("at", "At (UTC)"),
        ("deployment", "Deployment"),
        ("release", "Release"),
        ("cause", "Cause"),
        ("after", "After conversations"),
        ("reason*", "Reason"),
        ("examples*", "Exchanges that moved it most"),
    )
    return table("Alarms", columns, rows)


def _gaps(evidence: Evidence) -> Block:
    gaps = [reading for reading in evidence.readings if reading.state is DriftState.NOT_MEASURED]
    if not gaps:
        return Text(text="Every reading of this week was measured.")
    rows = [(moment(reading.at), reading.deployment, reading.reason or "–") for reading in gaps]
    columns = (("at", "At (UTC)"), ("deployment", "Deployment"), ("reason*", "Why"))
    return table("Not measured", columns, rows, "From then until the next reading drift was not measured.")


def _stated(evidence: Evidence) -> str:
    lengths = sorted({reading.run_length for reading in evidence.readings})
    stated = ", ".join(f"{length:,}" for length in lengths)
    return (
        f"Stated run length: on traffic that does not drift, a watch is expected to alarm falsely once in {stated} "
        "conversations, over both detectors. Prompts that move away from the reference mean that users changed; answers "
        "that move on prompts like the reference's mean that the model changed."
    )
