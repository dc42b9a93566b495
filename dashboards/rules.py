"""The alert rules. Few, each true: what each means and what to do stands on the page that its runbook link names."""

from dataclasses import dataclass
from enum import StrEnum

from aftertune import telemetry
from aftertune.values.rollback import RollbackState
from dashboards.promql import counter, greatest, increase, rate, series, total

GROUP = "aftertune"
EVALUATED_EVERY = "5s"


class Severity(StrEnum):
    """page: somebody is woken. ticket: somebody looks in working hours."""

    PAGE = "page"
    TICKET = "ticket"


class Shown(StrEnum):
    """How an expression's value is written."""

    SHARE = "humanizePercentage"
    NUMBER = "humanize"
    DURATION = "humanizeDuration"


@dataclass(frozen=True)
class Rule:
    """`expression` yields a series for each thing that is wrong, with a value above 0, and none while all is well.

    `summary` and `description` name labels as `{deployment}` and the value as `{value}`. `hold`: how long it must
    stay wrong. `window_s`: how far back the expression looks. `panel`: the board's panel that shows it.
    `labels`: what a series carries.
    """

    uid: str
    name: str
    expression: str
    hold: str
    window_s: int
    severity: Severity
    shown: Shown
    labels: tuple[str, ...]
    summary: str
    description: str
    panel: str
    console_path: str = "/"

    @property
    def anchor(self) -> str:
        """Of its heading on the runbook page."""
        return self.name.lower()


ERROR_SHARE = 0.05
LEAST_REQUESTS = 20
_ERRORS_WINDOW = "2m"
USERS = 'role!~"shadow|probe"'
FAILED = 'code_class=~"5xx|none"'


def _router_errors() -> str:
    failed = total(rate(counter(telemetry.REQUESTS, USERS, FAILED), _ERRORS_WINDOW), "deployment")
    served = total(rate(counter(telemetry.REQUESTS, USERS), _ERRORS_WINDOW), "deployment")
    asked = total(increase(counter(telemetry.REQUESTS, USERS), _ERRORS_WINDOW), "deployment")
    return f"{failed} / {served} > {ERROR_SHARE} and {asked} >= {LEAST_REQUESTS}"


def _drift() -> str:
    return f"{greatest(series(telemetry.DRIFT_ALARM), 'deployment', 'cause')} > 0"


def _quality_dropped() -> str:
    return f"{greatest(series(telemetry.EVALUATION_WATCH), 'deployment', 'suite', 'metric')} > 0"


def _fallen_back() -> str:
    return f"{greatest(series(telemetry.FALLEN_BACK), 'deployment')} > 0"


def _pinned() -> str:
    return f"{total(series(telemetry.ROUTE_PINNED), 'deployment')} > 0"


_ROLLBACK_WINDOW = "10m"
_UNPROVEN = f'state=~"{RollbackState.FAILED}|{RollbackState.PARTIAL}"'


def _unproven_rollbacks() -> str:
    """A series that begins at 1 has no increase, so a series that is younger than the window counts as it stands."""
    counted = counter(telemetry.ROLLBACKS, _UNPROVEN)
    young = f"{counted} unless {counted} offset {_ROLLBACK_WINDOW}"
    return f"{total(f'{increase(counted, _ROLLBACK_WINDOW)} > 0 or ({young}) > 0', 'state')} > 0"


RAW_PAYLOAD_S = 3600
"""How long raw payloads may stay in the spool while ingest works."""


def _old_spool() -> str:
    return f"{greatest(series(telemetry.SPOOL_OLDEST_SECONDS))} > {RAW_PAYLOAD_S}"


_SHED_WINDOW = "5m"


def _shed_capture() -> str:
    return f"{total(increase(counter(telemetry.SPOOL_LOST), _SHED_WINDOW), 'reason')} > 0"


_TURNED_AWAY_WINDOW = "5m"


def _turned_away() -> str:
    return f"{total(increase(counter(telemetry.TURNED_AWAY), _TURNED_AWAY_WINDOW))} > 0"


RETRIED_SHARE = 0.05
_RETRIES_WINDOW = "5m"


def _tried_elsewhere() -> str:
    retried = total(rate(counter(telemetry.RETRIES), _RETRIES_WINDOW))
    served = total(rate(counter(telemetry.REQUESTS, USERS), _RETRIES_WINDOW))
    asked = total(increase(counter(telemetry.REQUESTS, USERS), _RETRIES_WINDOW))
    return f"{retried} / {served} > {RETRIED_SHARE} and {asked} >= {LEAST_REQUESTS}"


RULES = (
    Rule(
        uid="aftertune-router-errors",
        name="AftertuneRouterErrors",
        expression=_router_errors(),
        hold="15s",
        window_s=120,
        severity=Severity.PAGE,
        shown=Shown.SHARE,
        labels=("deployment",),
        summary="{deployment}: {value} of users' requests fail",
        description=(
            f"Over the last 2 minutes {{value}} of the requests to {{deployment}} ended in a server error or without "
            f"an answer; the limit is {ERROR_SHARE:.0%}, asked of at least {LEAST_REQUESTS} requests."
        ),
        panel="Share of failed requests",
        console_path="/deployments/{deployment}/rollback",
    ),
    Rule(
        uid="aftertune-drift",
        name="AftertuneDrift",
        expression=_drift(),
        hold="0s",
        window_s=60,
        severity=Severity.TICKET,
        shown=Shown.NUMBER,
        labels=("deployment", "cause"),
        summary="{deployment}: drift, {cause}",
        description=(
            "A drift chart of {deployment} reached its threshold. users_changed: prompts moved away from the "
            "reference. model_changed: answers to prompts like the reference's moved."
        ),
        panel="Drift statistic and threshold",
        console_path="/deployments/{deployment}/drift",
    ),
    Rule(
        uid="aftertune-quality-dropped",
        name="AftertuneQualityDropped",
        expression=_quality_dropped(),
        hold="0s",
        window_s=60,
        severity=Severity.TICKET,
        shown=Shown.NUMBER,
        labels=("deployment", "suite", "metric"),
        summary="{deployment}: {metric} of {suite} fell overnight",
        description=(
            "The nightly runs of {suite} on {deployment}'s stable release fell in {metric} by more than chance "
            "explains, held against the release's own first run. The release is the same: something beside it changed."
        ),
        panel="Nightly watch",
        console_path="/evaluations?suite={suite}&deployment={deployment}",
    ),
    Rule(
        uid="aftertune-engine-retries",
        name="AftertuneEngineRetries",
        expression=_tried_elsewhere(),
        hold="2m",
        window_s=300,
        severity=Severity.TICKET,
        shown=Shown.SHARE,
        labels=(),
        summary="{value} of users' requests need another engine",
        description=(
            f"Over the last 5 minutes {{value}} of users' requests were put to another engine, because one gave no "
            f"answer; the limit is {RETRIED_SHARE:.0%}. Users are answered, later than usual, by what is left."
        ),
        panel="Requests tried elsewhere",
    ),
    Rule(
        uid="aftertune-connections-turned-away",
        name="AftertuneConnectionsTurnedAway",
        expression=_turned_away(),
        hold="0s",
        window_s=600,
        severity=Severity.PAGE,
        shown=Shown.NUMBER,
        labels=(),
        summary="Routers close clients' connections: they have as many as they may",
        description=(
            "About {value} connections of the last 5 minutes were closed at once, because a router process already "
            "had as many as it may have. Their users got no answer."
        ),
        panel="Connections turned away",
    ),
    Rule(
        uid="aftertune-fallen-back",
        name="AftertuneFallenBack",
        expression=_fallen_back(),
        hold="0s",
        window_s=60,
        severity=Severity.PAGE,
        shown=Shown.NUMBER,
        labels=("deployment",),
        summary="{deployment}: previous good answers, every engine of stable is down",
        description=(
            "At least one router finds no engine of {deployment}'s stable release that answers, and sends users to "
            "previous good, as the plan says. Users are served; nothing stands behind previous good any more."
        ),
        panel="Fallen back",
        console_path="/deployments/{deployment}",
    ),
    Rule(
        uid="aftertune-pinned",
        name="AftertunePinned",
        expression=_pinned(),
        hold="0s",
        window_s=60,
        severity=Severity.TICKET,
        shown=Shown.NUMBER,
        labels=("deployment",),
        summary="{deployment}: {value} router(s) hold it by a pin file",
        description=(
            "A pin file on a router's host sends every request for {deployment} to one release. Promotions, "
            "rollbacks and canaries do not reach its users there until somebody removes it."
        ),
        panel="Pinned",
        console_path="/deployments/{deployment}",
    ),
    Rule(
        uid="aftertune-rollback-unproven",
        name="AftertuneRollbackUnproven",
        expression=_unproven_rollbacks(),
        hold="0s",
        window_s=900,
        severity=Severity.PAGE,
        shown=Shown.NUMBER,
        labels=("state",),
        summary="A rollback ended {state}",
        description=(
            "At least one rollback ended {state} in the last 10 minutes. partial: some router was not proven to have "
            "left the bad release. failed: traffic stays where it was."
        ),
        panel="Rollbacks",
    ),
    Rule(
        uid="aftertune-spool-old",
        name="AftertuneSpoolOld",
        expression=_old_spool(),
        hold="60s",
        window_s=60,
        severity=Severity.TICKET,
        shown=Shown.DURATION,
        labels=(),
        summary="Raw payloads wait in the spool for {value}",
        description=(
            "The oldest record in a router's spool has waited for {value}; within an hour ingest stores, redacts and "
            "deletes it while it works."
        ),
        panel="Age of the oldest record in the spool",
    ),
    Rule(
        uid="aftertune-capture-shed",
        name="AftertuneCaptureShed",
        expression=_shed_capture(),
        hold="0s",
        window_s=600,
        severity=Severity.PAGE,
        shown=Shown.NUMBER,
        labels=("reason",),
        summary="Exchanges are not recorded: {reason}",
        description=(
            "About {value} exchanges of the last 5 minutes have no record ({reason}). Users got their answers; "
            "verdicts and reports miss these."
        ),
        panel="Records lost or refused",
    ),
)
