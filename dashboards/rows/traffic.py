"""What users get, and what the shadow lane does."""

from aftertune import telemetry
from dashboards.panel import Panel, Query, Row, Unit
from dashboards.promql import DEPLOYMENT, counter, or_zero, quantile, rate, series, total
from dashboards.rules import ERROR_SHARE, FAILED, USERS


def _failed_share() -> str:
    failed = total(rate(counter(telemetry.REQUESTS, DEPLOYMENT, USERS, FAILED)), "deployment")
    served = total(rate(counter(telemetry.REQUESTS, DEPLOYMENT, USERS)), "deployment")
    return f"({or_zero(failed, served)}) / {served}"


def _percentiles(histogram: str) -> tuple[Query, ...]:
    return tuple(
        Query(quantile(q, histogram, DEPLOYMENT, 'role!="probe"', by=("role",)), f"{name} {{{{role}}}}")
        for q, name in ((0.5, "p50"), (0.99, "p99"))
    )


_REQUESTS = total(rate(counter(telemetry.REQUESTS, DEPLOYMENT)), "deployment", "role")
TRAFFIC = Row(
    "Traffic",
    (
        Panel(
            "Requests by role",
            "Requests a second that users sent (stable, canary), copies of them (shadow) and proofs (probe).",
            Unit.PER_SECOND,
            (Query(_REQUESTS, "{{deployment}} {{role}}"),),
        ),
        Panel(
            "Share of failed requests",
            "Users' requests that ended in a server error or without an answer. The line is the alert's limit.",
            Unit.SHARE,
            (Query(_failed_share(), "{{deployment}}"),),
            limit=ERROR_SHARE,
        ),
        Panel(
            "Latency",
            "From a request's arrival to the last byte of its answer.",
            Unit.SECONDS,
            _percentiles(telemetry.REQUEST_SECONDS),
        ),
        Panel(
            "Time to first byte",
            "From a request's arrival to the first byte of its answer.",
            Unit.SECONDS,
            _percentiles(telemetry.FIRST_BYTE_SECONDS),
        ),
    ),
)

_PENDING = total(series(telemetry.MIRROR_PENDING))
_DROPPED = or_zero(total(rate(counter(telemetry.MIRROR_DROPPED)), "reason"), _PENDING)
SHADOW = Row(
    "Shadow",
    (
        Panel(
            "Copies dropped",
            "Copies a second that the shadow lane let go, by reason. Users never wait for it; pairs are lost.",
            Unit.PER_SECOND,
            (Query(_DROPPED, "{{reason}}"),),
        ),
        Panel(
            "Copies that wait",
            "Length of the shadow lane's queue.",
            Unit.NUMBER,
            (Query(_PENDING, "waiting"),),
        ),
        Panel(
            "Pairs",
            "Pairs a second of stable's and the candidate's answers that were scored.",
            Unit.RECORDS_PER_SECOND,
            (
                Query(
                    total(rate(counter(telemetry.PAIRS, DEPLOYMENT)), "deployment"),
                    "{{deployment}}",
                ),
            ),
        ),
    ),
)
