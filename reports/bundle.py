"""A report's folder: written aside, then put in place in one step, so that there is a whole one or none."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from aftertune.audit import AuditEntry
from aftertune.durable import flush
from aftertune.values.report import ReportFile

REPORT, HTML, PDF = "report.json", "report.html", "report.pdf"
AUDIT, TABULAR = "audit.jsonl", "tabular_drift.html"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
CONTENT = (REPORT, HTML, PDF, AUDIT, TABULAR)
"""What the manifest lists; it and its signature come on top."""


def file_of(name: str, content: bytes) -> ReportFile:
    return ReportFile(name=name, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def audit_lines(entries: Iterable[AuditEntry]) -> bytes:
    """One JSON object a line, oldest first."""
    return b"".join(entry.model_dump_json().encode() + b"\n" for entry in entries)


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Replaces what a build that was killed may have left under the same name."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(left)
    part = folder.with_name(f".{folder.name}.{os.getpid()}")
    part.mkdir(mode=0o700)
    for name, content in files.items():
        (part / name).write_bytes(content)
        flush(part / name)
    if folder.exists():
        shutil.rmtree(folder)
    part.rename(folder)
    flush(folder.parent)
