"""What users get, and what the shadow lane does."""

from aftertune import telemetry
from dashboards.panel import Panel, Query, Row, Unit
from dashboards.promql import DEPLOYMENT, counter, greatest, or_zero, quantile, rate, series, total
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


_CLIENTS = series(telemetry.CONNECTIONS)
_LIMITED = or_zero(total(rate(counter(telemetry.LIMITED)), "reason"), total(_CLIENTS))
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
        Panel(
            "Requests over a key's limit",
            "Requests a second that got 429 because their key was at a limit, by limit.",
            Unit.PER_SECOND,
            (Query(_LIMITED, "{{reason}}"),),
        ),
        Panel(
            "Requests tried elsewhere",
            "Requests a second that another engine answered or was asked, because the first gave no answer.",
            Unit.PER_SECOND,
            (
                Query(
                    or_zero(total(rate(counter(telemetry.RETRIES)), "reason"), total(_CLIENTS)), "{{reason}}"
                ),
            ),
        ),
        Panel(
            "Connections",
            "Connections that clients hold open at each router, and that it holds open to engines.",
            Unit.NUMBER,
            (
                Query(greatest(_CLIENTS, "instance"), "clients at {{instance}}"),
                Query(
                    greatest(series(telemetry.ENGINE_CONNECTIONS), "instance"), "engines from {{instance}}"
                ),
            ),
        ),
        Panel(
            "Connections turned away",
            "Connections a second that a router closed at once, because it had as many as it may have.",
            Unit.PER_SECOND,
            (Query(total(rate(counter(telemetry.TURNED_AWAY)), "instance"), "{{instance}}"),),
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
