"""Where an alert's links lead. Those who run these pages elsewhere change the addresses here and generate anew."""

GRAFANA = "http://127.0.0.1:3000"
CONSOLE = "http://127.0.0.1:8083"
RUNBOOKS = "docs/alerts.md"
"""A page of this repository; each alert has a heading of its own there."""

BOARD_UID = "aftertune"
DATA_SOURCE_UID = "aftertune-prometheus"


def board(variables: str = "") -> str:
    """The board's address; `variables` is a query string such as `var-deployment=tasks`."""
    address = f"{GRAFANA}/d/{BOARD_UID}"
    return f"{address}?{variables}" if variables else address


def runbook(anchor: str) -> str:
    return f"{RUNBOOKS}#{anchor}"
