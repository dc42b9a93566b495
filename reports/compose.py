"""From evidence to the report's document. Pure: the same evidence gives the same bytes."""

import rfc8785

from aftertune.values.report import Report
from reports.document import Document
from reports.evidence import Evidence
from reports.sections import SECTIONS

GENERATOR = "aftertune reports 2"
"""Rises when the same rows would give another report.json."""


def compose(report: Report, evidence: Evidence) -> Document:
    return Document(
        report=report.id,
        week=report.week,
        revision=report.revision,
        preliminary=not evidence.week.over(evidence.mark.at),
        time_zone=evidence.week.time_zone,
        since=evidence.week.since,
        until=evidence.week.until,
        watermark=evidence.mark.at,
        audit_entries=evidence.mark.entries,
        audit_head=evidence.chain.head,
        generator=GENERATOR,
        sections=tuple(section(evidence) for section in SECTIONS),
    )


def as_json(document: Document) -> bytes:
    """RFC 8785 canonical JSON."""
    return rfc8785.dumps(document.model_dump(mode="json"))
