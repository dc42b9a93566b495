"""How much was asked, how it was answered, how fast."""

import pandas as pd

from reports.cells import count, moment, table
from reports.document import Block, Missing, Nothing, Section, Text, Trend
from reports.evidence import Evidence
from reports.frame import by_day, errors, frame_of, latencies, trend

NOTHING = (
    "No exchange of this week was stored by the watermark. Either nobody asked, or the router or ingest was down: "
    "this report cannot tell which."
)
ROLES = (
    "Stable and canary answered users; shadow answers were discarded; probes were sent by this system. A valid "
    "answer is complete, well-formed and grounded in the conversation; answers that are no evidence about their "
    "release (the client left, say) are not scored and counted as unmeasured. Tokens are as the engines reported."
)


GAPS = (
    "Exchanges that happened and were not kept, as the routers counted them: no number above includes them."
)


def traffic(evidence: Evidence) -> Section:
    if not evidence.lines:
        return Section(name="traffic", title="Traffic", blocks=(Missing(text=NOTHING), _gaps(evidence)))
    frame = frame_of(evidence.lines)
    key = (("deployment", "Deployment"), ("release", "Release"), ("role", "Role"))
    days = (
        ("day", "Day"),
        *key,
        ("exchanges", "Exchanges"),
        ("failed", "No complete answer"),
        ("valid", "Valid answers"),
        ("prompt_tokens", "Tokens asked"),
        ("completion_tokens", "Tokens answered"),
    )
    waits = (*key, ("timed", "Timed"), ("p50", "Median"), ("p95", "95 %"), ("p99", "99 %"))
    zone = evidence.week.time_zone
    failed = errors(frame)
    what = (*key, ("error", "Error"), ("exchanges", "Exchanges"))
    no_errors = Nothing(text="Every stored exchange has a complete answer without an HTTP error.")
    blocks: tuple[Block, ...] = (
        table(f"By day ({zone}) and release", days, by_day(frame, zone)),
        Text(text=ROLES),
        _drawn(frame),
        table("Latency", waits, latencies(frame), "From a request's arrival at the router."),
        table("Errors", what, failed) if failed else no_errors,
        _gaps(evidence),
    )
    return Section(name="traffic", title="Traffic", blocks=blocks)


def _gaps(evidence: Evidence) -> Block:
    """What is missing is printed as missing."""
    if not evidence.gaps:
        return Nothing(text="No router reported an exchange that it could not record.")
    columns = (
        ("router", "Router"),
        ("reason", "Why"),
        ("records", "Records lost"),
        ("since", "From (UTC)"),
        ("until", "To (UTC)"),
    )
    rows = (
        (gap.router, gap.reason.replace("_", " "), count(gap.records), moment(gap.since), moment(gap.until))
        for gap in evidence.gaps
    )
    return table("Not recorded", columns, rows, GAPS)


def _drawn(frame: pd.DataFrame) -> Block:
    series = trend(frame)
    if not series:
        return Missing(text="No answer to a user was scored in this week.")
    note = "Each point is a share of the answers in its interval of time, with its 95 % interval (Wilson)."
    return Trend(title="Valid answers to users", note=note, y_label="share of answers", series=series)
