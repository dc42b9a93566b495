"""`python -m reports.build ID`: one report, from its row to its signed folder, in a process of its own."""

import hashlib
import importlib.metadata
import logging
import sys
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aftertune.clock import Clock, SystemClock
from aftertune.errors import AftertuneError, Conflict
from aftertune.settings import Settings, load
from aftertune.store import Store
from aftertune.telemetry import configure_logging
from aftertune.values.report import Manifest, Report, ReportFile, ReportState
from aftertune.week import Week, week_named
from reports.bundle import AUDIT, HTML, MANIFEST, PDF, REPORT, SIGNATURE, TABULAR, audit_lines, file_of, put
from reports.compose import as_json, compose
from reports.document import Document
from reports.evidence import Evidence, gather
from reports.html import html
from reports.pages import pages
from reports.pdf import pdf
from reports.signing import fingerprint, sign, signing_key
from reports.tabular import tabular_drift

ACTOR = "reports"
KEY_FILE = "report_key.pem"
LIBRARIES = ("cryptography", "evidently", "jinja2", "matplotlib", "pandas", "scipy", "typst")

log = logging.getLogger(__name__)


def build(store: Store, settings: Settings, clock: Clock, report_id: str) -> Report:
    """Raises Conflict for a week that is open (unless preliminary) or has not begun."""
    with store.read() as tx:
        report = tx.reports.get(report_id)
    week = week_named(report.week, settings.evals.time_zone)
    now = clock.now()
    _refuse_open(week, report, now)
    evidence = gather(store, week, None, now)
    key = signing_key(settings.home / KEY_FILE)
    files = bundle(compose(report, evidence), evidence, key)
    return _finish(store, clock, report, evidence, files, key, settings.reports_folder)


def bundle(document: Document, evidence: Evidence, key: Ed25519PrivateKey) -> Mapping[str, bytes]:
    """Every file by name, the manifest and its signature last."""
    ready = pages(document)
    content = {
        REPORT: as_json(document),
        HTML: html(ready),
        PDF: pdf(ready, document.watermark),
        AUDIT: audit_lines(evidence.entries),
        TABULAR: tabular_drift(evidence),
    }
    manifest = Manifest(
        report=document.report,
        week=document.week,
        revision=document.revision,
        preliminary=document.preliminary,
        watermark=document.watermark,
        files=tuple(file_of(name, data) for name, data in content.items()),
        audit_entries=document.audit_entries,
        audit_head=document.audit_head,
        versions={name: importlib.metadata.version(name) for name in LIBRARIES}
        | {"reports": document.generator},
    )
    signed = rfc8785.dumps(manifest.model_dump(mode="json"))
    return content | {MANIFEST: signed, SIGNATURE: sign(key, signed)}


def _finish(
    store: Store,
    clock: Clock,
    report: Report,
    evidence: Evidence,
    files: Mapping[str, bytes],
    key: Ed25519PrivateKey,
    folder: Path,
) -> Report:
    """The folder, the row and the audit entry. Raises Conflict when the report is not being built.

    The folder is put in place inside the transaction: a build that comes second, after its room lost the lease, must
    not put its files under the first one's digests.
    """
    digest = hashlib.sha256(files[MANIFEST]).hexdigest()
    signer = fingerprint(key.public_key().public_bytes_raw())
    with store.write() as tx:
        standing = tx.reports.get(report.id)
        if standing.state is not ReportState.BUILDING:
            raise Conflict(f"The report {report.id} is {standing.state}: nobody asked for this build.")
        put(folder / report.id, files)
        now = clock.now()
        made = standing.model_copy(
            update={
                "state": ReportState.READY,
                "reason": "",
                "preliminary": not evidence.week.over(evidence.mark.at),
                "finished_at": now,
                "watermark": evidence.mark.at,
                "manifest_digest": digest,
                "files": tuple(_listed(files)),
            }
        )
        tx.reports.save(made)
        body = {
            "week": report.week,
            "revision": report.revision,
            "preliminary": made.preliminary,
            "manifest": digest,
            "key": signer,
            "audit_entries": evidence.mark.entries,
            "audit_head": evidence.chain.head,
        }
        tx.audit.append(now, ACTOR, "report_built", report.id, body)
    return made


def _listed(files: Mapping[str, bytes]) -> list[ReportFile]:
    return [file_of(name, content) for name, content in files.items()]


def _refuse_open(week: Week, report: Report, now: datetime) -> None:
    if now < week.since:
        raise Conflict(f"The week {week.name} has not begun.", "Ask for a week that has.")
    if not week.over(now) and not report.preliminary:
        raise Conflict(
            f"The week {week.name} is open until {week.until:%Y-%m-%d %H:%M} UTC.",
            "Wait until it is over, or ask for a preliminary report.",
        )


def main() -> int:
    try:
        settings = load()
        configure_logging("reports.build", settings.log_level)
        with closing(Store(settings.database_url)) as store:
            made = build(store, settings, SystemClock(), sys.argv[1])
    except AftertuneError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201  (the room reads it)
        return error.exit_code
    log.info("Report %s of %s is ready: manifest %s.", made.id, made.week, made.manifest_digest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
