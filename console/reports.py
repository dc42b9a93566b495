"""Weekly reports: asking for one, and the reviewers' word on it. `console.downloads` hands out its files."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from aftertune.errors import BadInput, Conflict
from aftertune.identity import Permission
from aftertune.store import Transaction
from aftertune.values.report import WEEK, Report, ReportState, SignOff
from aftertune.values.value import Value
from aftertune.week import Week, week_named, zone_named
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.acting import Acting, ActingOf
from console.concealment import report_for
from console.names import PathName

router = guarded_router("reports")

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Comment = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")
]


class NewReport(Value):
    """A week that is not over needs `preliminary`; its report is made again once it is."""

    week: str = Field(pattern=WEEK)
    preliminary: bool = False


class Word(Value):
    """A reviewer's word on exactly the manifest with this digest; refusing it needs a comment."""

    manifest_digest: Digest
    accepted: bool
    comment: Comment = ""

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if not self.accepted and not self.comment:
            raise ValueError("who does not accept a report says why in the comment")
        return self


class ReportView(Value):
    """Sign-offs are oldest first."""

    report: Report
    sign_offs: tuple[SignOff, ...]


@router.get("/v1/reports", dependencies=[needs(Permission.READ)])
def list_reports(context: ContextOf, caller: CallerOf) -> list[Report]:
    """Newest first."""
    with context.store.read() as tx:
        return [report_for(caller, report) for report in tx.reports.all()]


@router.post("/v1/reports", status_code=201, dependencies=[needs(Permission.BUILD_REPORT)])
def request_report(body: NewReport, acting: ActingOf) -> Report:
    """Ask the report room to build one; poll it until it is ready or failed. Another one of a week is a revision."""
    return order_report(acting, body)


@router.get("/v1/reports/{report}", dependencies=[needs(Permission.READ)])
def get_report(report: PathName, context: ContextOf, caller: CallerOf) -> ReportView:
    with context.store.read() as tx:
        return report_view(tx, caller, report)


@router.post("/v1/reports/{report}/sign-offs", status_code=201, dependencies=[needs(Permission.SIGN_REPORT)])
def sign_report(report: PathName, body: Word, acting: ActingOf, caller: CallerOf) -> ReportView:
    """One word of each reviewer on each manifest. Who asked for the report cannot sign it."""
    return sign(acting, caller, report, body)


def report_view(tx: Transaction, caller: Caller, report: str) -> ReportView:
    return ReportView(
        report=report_for(caller, tx.reports.get(report)), sign_offs=tuple(tx.reports.sign_offs(report))
    )


def order_report(acting: Acting, body: NewReport) -> Report:
    """Raises BadInput for a week to come, Conflict for an open one or for one that is being built."""
    report_id = acting.new_id("rp")
    week = week_named(body.week, acting.context.settings.evals.time_zone)
    with acting.transaction() as tx:
        if acting.first_time(tx, "request_report", body.week, body):
            is_open = _is_open(body, acting.at, week)
            _require_nothing_under_way(tx, body.week)
            report = Report(
                id=report_id,
                week=body.week,
                revision=tx.reports.next_revision(body.week),
                preliminary=is_open,
                state=ReportState.REQUESTED,
                requested_by=acting.actor,
                requested_at=acting.at,
            )
            tx.reports.add(report)
            evidence = {"report": report_id, "revision": report.revision, "preliminary": is_open}
            tx.audit.append(acting.at, acting.actor, "request_report", body.week, evidence)
        return tx.reports.get(report_id)


def sign(acting: Acting, caller: Caller, report: str, word: Word) -> ReportView:
    """Raises Conflict when it is not ready, its manifest is another one, or the signer asked for it or has signed."""
    with acting.transaction() as tx:
        if acting.first_time(tx, "sign_report", report, word):
            _require_signable(tx.reports.get(report), acting.actor, word.manifest_digest)
            said = SignOff(
                report=report,
                manifest_digest=word.manifest_digest,
                reviewer=acting.actor,
                accepted=word.accepted,
                comment=word.comment,
                at=acting.at,
            )
            tx.reports.sign(said)
            evidence = said.model_dump(mode="json", include={"manifest_digest", "accepted", "comment"})
            tx.audit.append(acting.at, acting.actor, "sign_report", report, evidence)
        return report_view(tx, caller, report)


def _is_open(body: NewReport, now: datetime, week: Week) -> bool:
    zone = zone_named(week.time_zone)
    begins, ends = week.since.astimezone(zone), week.until.astimezone(zone)
    if now < begins:
        raise BadInput(f"The week {body.week} begins on {begins:%Y-%m-%d}.", "Ask for a week that has begun.")
    if now < ends and not body.preliminary:
        raise Conflict(
            f"The week {body.week} is open until {ends:%Y-%m-%d %H:%M} {zone.key}.",
            "Wait until it is over, or ask for a preliminary report.",
        )
    return now < ends


def _require_nothing_under_way(tx: Transaction, week: str) -> None:
    for other in tx.reports.unfinished():
        if other.week == week:
            raise Conflict(
                f"A report of {week} is {other.state} already.", f"Follow it: /v1/reports/{other.id}."
            )


def _require_signable(report: Report, actor: str, digest: str) -> None:
    if report.state is not ReportState.READY:
        raise Conflict(f"The report {report.id} is {report.state}, not ready.", "Sign what you have read.")
    if report.requested_by == actor:
        raise Conflict(f"{actor} asked for {report.id} and cannot sign it off.", "Ask another reviewer.")
    if report.manifest_digest != digest:
        raise Conflict(
            f"The manifest of {report.id} has another digest than the one sent.",
            f"Read GET /v1/reports/{report.id}, verify the files, and sign its manifest_digest.",
        )
