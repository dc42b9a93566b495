"""Evidently's drift report over tabular columns, as a file of its own.

Evidently is imported here and nowhere else, inside the build's own process: it takes seconds and warns a lot.
"""

import html
import importlib
import warnings
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd

from reports.evidence import Evidence, Line
from reports.frame import frame_of

FEWEST = 30
"""Exchanges on each side: with fewer, a test of two distributions says next to nothing."""
MOST = 20_000
"""Exchanges on each side that are compared: the newest."""
NUMBERS = ("prompt_tokens", "completion_tokens", "length", "latency_s", "first_byte_s", "tool_calls")
FINISHES = frozenset({"stop", "length", "tool_calls", "content_filter", "none"})
"""Engines send this text; any other word becomes `other`, so that no text of theirs gets into a page with script."""
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)
TO_USERS = ("stable", "canary")


class Halves(NamedTuple):
    """What is compared; `said` names both sides."""

    reference: pd.DataFrame
    current: pd.DataFrame
    said: str


def tabular_drift(evidence: Evidence) -> bytes:
    """One HTML file that fetches nothing; a short page that says why where there is too little to compare."""
    halves = _halves(evidence)
    fewest = min(len(halves.reference), len(halves.current))
    if fewest < FEWEST:
        return _page(
            f"NOT AVAILABLE: comparing {halves.said} needs at least {FEWEST} answers to users on each side, and "
            f"the smaller side has {fewest}."
        )
    columns = [name for name in NUMBERS if _measured(halves, name)]
    return _self_contained(_evidently(halves, columns), f"{evidence.week.name}: {halves.said}")


def _halves(evidence: Evidence) -> Halves:
    before, now = _table(evidence.lines_before), _table(evidence.lines)
    if len(before) >= FEWEST:
        return Halves(before.tail(MOST), now.tail(MOST), "this week with the week before")
    middle = _middle(evidence)
    said = "the second half of this week's answers with the first (the week before has too few)"
    return Halves(now[now["at"] < middle].tail(MOST), now[now["at"] >= middle].tail(MOST), said)


def _middle(evidence: Evidence) -> datetime:
    """The moment that halves the answers, not the time: traffic comes in bursts."""
    users = [line.at for line in evidence.lines if line.role in TO_USERS]
    return users[len(users) // 2] if users else evidence.week.since + timedelta(days=3.5)


def _table(lines: Sequence[Line]) -> pd.DataFrame:
    frame = frame_of(lines)
    frame = frame[frame["role"].isin(TO_USERS)].copy()
    frame["finish"] = frame["finish"].where(frame["finish"].isin(FINISHES), "other")
    return frame[["at", *NUMBERS, "finish"]]


def _measured(halves: Halves, column: str) -> bool:
    return all(int(side[column].notna().sum()) >= FEWEST for side in (halves.reference, halves.current))


def _evidently(halves: Halves, numbers: Sequence[str]) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        core: Any = importlib.import_module("evidently")
        presets: Any = importlib.import_module("evidently.presets")
        definition = core.DataDefinition(numerical_columns=list(numbers), categorical_columns=["finish"])
        reference, current = (
            core.Dataset.from_pandas(side[[*numbers, "finish"]].reset_index(drop=True), definition)
            for side in (halves.reference, halves.current)
        )
        snapshot = core.Report([presets.DataDriftPreset()]).run(current, reference)
        return str(snapshot.get_html_str(as_iframe=False))


def _self_contained(page: str, title: str) -> bytes:
    """The policy stops whatever a library would load; the title says what is compared."""
    said = html.escape(title)
    head = (
        f'<meta charset="UTF-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>Tabular drift {said}</title>"
    )
    note = (
        '<p style="font:15px/1.5 sans-serif;margin:1rem 1.5rem">'
        f"<strong>Tabular drift, {said}.</strong> Answers to users: tokens, length in characters, latency, tool "
        "calls, finish reason. Made by Evidently with its default tests, which have no stated rate of false alarms: "
        "a hint for readers. The alarms of record are in the report's section on drift.</p>"
    )
    if "<head>" not in page or "<body>" not in page:
        raise ValueError("Evidently's page has another form than expected.")
    return page.replace("<head>", f"<head>{head}", 1).replace("<body>", f"<body>{note}", 1).encode()


def _page(text: str) -> bytes:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        "<title>Tabular drift</title></head>"
        '<body style="font:16px/1.5 sans-serif;margin:2rem;max-width:45rem"><h1>Tabular drift</h1>'
        f"<p>{html.escape(text)}</p></body></html>\n"
    ).encode()
