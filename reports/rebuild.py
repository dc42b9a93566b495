"""The same report, computed again from the rows that are stored now."""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from aftertune.errors import BadInput
from aftertune.store import Store
from aftertune.values.report import Report, ReportState
from aftertune.week import week_named
from reports.bundle import REPORT
from reports.compose import as_json, compose
from reports.evidence import Mark, gather


class Rebuilt(NamedTuple):
    """`differing`: titles of the sections that say something else now."""

    same: bool
    stored: str
    computed: str
    differing: tuple[str, ...]


def rebuild(store: Store, folder: Path, report_id: str) -> Rebuilt:
    """With the watermark and time zone that the stored report.json names. Raises BadInput when there is none."""
    with store.read() as tx:
        report = tx.reports.get(report_id)
    before = _stored(folder, report)
    told: dict[str, Any] = json.loads(before)
    week = week_named(report.week, told["time_zone"])
    assert report.watermark is not None  # a ready report has one
    mark = Mark(report.watermark, told["audit_entries"])
    after = as_json(compose(report, gather(store, week, mark, mark.at)))
    now = {section["name"]: section for section in json.loads(after)["sections"]}
    return Rebuilt(
        same=after == before,
        stored=hashlib.sha256(before).hexdigest(),
        computed=hashlib.sha256(after).hexdigest(),
        differing=tuple(
            section["title"] for section in told["sections"] if now.get(section["name"]) != section
        ),
    )


def _stored(folder: Path, report: Report) -> bytes:
    if report.state is not ReportState.READY:
        raise BadInput(
            f"The report {report.id} is {report.state}, not ready.", "There is nothing to compare."
        )
    try:
        return (folder / report.id / REPORT).read_bytes()
    except OSError as error:
        raise BadInput(
            f"The report.json of {report.id} cannot be read: {error.strerror}.",
            "Run this where the reports lie (AFTERTUNE_HOME).",
        ) from None
