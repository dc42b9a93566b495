"""PromQL, put together from the names in `aftertune.telemetry`.

Names of counters get the `_total` that the client library adds.
"""

WINDOW = "$__rate_interval"
"""Grafana's own choice of a window: at least four scrapes."""

SHOWN = "$__range"
"""The time that the board shows."""

DEPLOYMENT = 'deployment=~"$deployment"'


def series(metric: str, *matchers: str) -> str:
    return f"{metric}{{{','.join(matchers)}}}" if matchers else metric


def counter(metric: str, *matchers: str) -> str:
    return series(f"{metric}_total", *matchers)


def rate(counted: str, window: str = WINDOW) -> str:
    return f"rate({counted}[{window}])"


def increase(counted: str, window: str) -> str:
    return f"increase({counted}[{window}])"


def events(counted: str) -> str:
    """How many in the time shown, with the first one of a series that began in it.

    A series that begins at 1 has no increase; its least value is what it began with.
    """
    grown = increase(counted, SHOWN)
    begun = f"min_over_time({counted}[{SHOWN}]) unless {counted} offset {SHOWN}"
    return f"{grown} + ({begun} or 0 * {grown})"


def total(expression: str, *by: str) -> str:
    return f"sum by ({', '.join(by)}) ({expression})" if by else f"sum({expression})"


def greatest(expression: str, *by: str) -> str:
    return f"max by ({', '.join(by)}) ({expression})" if by else f"max({expression})"


def quantile(q: float, histogram: str, *matchers: str, by: tuple[str, ...] = ()) -> str:
    buckets = rate(series(f"{histogram}_bucket", *matchers))
    return f"histogram_quantile({q}, {total(buckets, 'le', *by)})"


def or_zero(expression: str, present: str) -> str:
    """`expression`, or 0 while it has no series yet.

    Nothing when `present` has none either: a room that is not scraped shows as a gap, never as a zero.
    """
    return f"{expression} or 0 * {present}"
