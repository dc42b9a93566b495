"""What a console has to show besides traffic: evaluation runs, drift readings, reports, training jobs, alerts."""

import hashlib
import json
import math
from datetime import datetime, timedelta
from pathlib import Path

from aftertune.store import Store, Transaction
from aftertune.values.alert import Alert
from aftertune.values.drift import DriftCause, DriftChart, DriftReading, DriftState
from aftertune.values.evaluation import (
    Answer,
    Bound,
    Difference,
    EvaluationRun,
    Gate,
    RunState,
    SampleResult,
    Score,
    Signature,
    SuiteCard,
    Trigger,
)
from aftertune.values.report import Report, ReportFile, ReportState
from aftertune.values.training import TrainingJob, TrainingPoint, TrainingState
from tests.console.seed import DEPLOYMENT, HOSTILE

RUN, FAILED_RUN, OPEN_RUN = "ev-seeded", "ev-failed", "ev-open"
REPORT, WEEK = "rp-seeded", "2026-W01"
JOB, SILENT_JOB = "train-v5", "train-v6"
RUNBOOK = "https://runbooks.example/drift"
FILES = {
    "report.json": b'{"week": "2026-W01"}',
    "report.html": f"<!doctype html><style>p {{ color: red }}</style><p>{HOSTILE}</p>".encode(),
    "report.pdf": b"%PDF-1.7 seeded",
    "audit.jsonl": b'{"seq": 1}\n',
    "tabular_drift.html": b"<script>document.title = 'ran'</script>",
    "manifest.json": b'{"report": "rp-seeded"}',
    "manifest.sig": b"\x00\xff signature",
}


def seed_evidence(store: Store, home: Path, at: datetime) -> None:
    """Beside `seed`: v3 must pass two suites and has; v2 failed one; the week before `at` has a report."""
    with store.write() as tx:
        tx.evaluations.save_suites(
            [
                _card("forgetting", compares=True),
                _card("persona", compares=False),
                _card("tools", compares=False),
            ]
        )
        for release, suites in (("v2", ("tools",)), ("v3", ("tools", "forgetting"))):
            tx.releases.save(tx.releases.get(release).model_copy(update={"suites": suites}))
        _runs(tx, at)
        _readings(tx, at)
        for job in (_job(JOB, "v5", at, 3), _job(SILENT_JOB, "v6", at, 300)):
            tx.training.save(job)
        tx.alerts.save(_alert("f1", "AftertuneDrift", "warning", RUNBOOK, at))
        tx.alerts.save(_alert("f2", "Evil", "odd", "javascript:alert(1)", at))
    seed_report(store, home, at)


def seed_report(store: Store, home: Path, at: datetime) -> Report:
    folder = home / "reports" / REPORT
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    report = Report(
        id=REPORT,
        week=WEEK,
        revision=1,
        preliminary=False,
        state=ReportState.READY,
        requested_by="schedule",
        requested_at=at - timedelta(minutes=3),
        finished_at=at - timedelta(minutes=2),
        watermark=at - timedelta(minutes=3),
        manifest_digest=hashlib.sha256(FILES["manifest.json"]).hexdigest(),
        files=tuple(
            ReportFile(name=name, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
            for name, content in FILES.items()
        ),
    )
    with store.write() as tx:
        tx.reports.add(report)
    return report


def _card(name: str, *, compares: bool) -> SuiteCard:
    says = {
        "forgetting": "General questions that the base answers: what did fine-tuning cost?",
        "persona": "Does it answer as TaskMaster does?",
        "tools": "Requests that need one tool call, on the real chat API.",
    }
    gate = "difference to the base ≥ −0.10" if compares else "exact call ≥ 0.80"
    return SuiteCard(
        name=name,
        version="1",
        description=says[name],
        samples=120,
        dataset=hashlib.sha256(name.encode()).hexdigest(),
        licence="Apache-2.0",
        gates=(f"lower end of {gate}",),
        baselines=("base",) if compares else (),
    )


def _runs(tx: Transaction, at: datetime) -> None:
    """A month of nightly runs of the two releases that were stable; one each that passed, failed and goes on."""
    for day in range(24, 0, -1):
        release, level = ("v0", 0.86) if day > 12 else ("v1", 0.92)
        wave = 0.02 * math.sin(day)
        tx.evaluations.add(
            _run(
                f"ev-night-{day:02d}",
                "tools",
                release,
                Trigger.NIGHTLY,
                at - timedelta(days=day),
                level + wave,
            )
        )
    tx.evaluations.add(_run(RUN, "forgetting", "v3", Trigger.REGISTRATION, at - timedelta(hours=2), 0.9))
    tx.evaluations.add(
        _run("ev-v3-tools", "tools", "v3", Trigger.REGISTRATION, at - timedelta(hours=2), 0.95)
    )
    tx.evaluations.add(_run(FAILED_RUN, "tools", "v2", Trigger.REGISTRATION, at - timedelta(hours=3), 0.4))
    running = _run(OPEN_RUN, "persona", "v3", Trigger.BY_HAND, at - timedelta(seconds=20), 0.9)
    nothing = {"scores": (), "differences": (), "gates": (), "ended_at": None, "signature": None}
    tx.evaluations.add(running.model_copy(update={**nothing, "state": RunState.RUNNING, "done": 37}))
    for sample, release, answer, right in (
        ("tools-007", "v0", "create_task(title='Call Ana')", 1.0),
        ("tools-007", "v3", HOSTILE, 0.0),
        ("tools-031", "v0", "", 0.0),
        ("tools-031", "v3", "Paris is the capital of France.", 1.0),
    ):
        result = SampleResult(
            run=RUN,
            sample=sample,
            release=release,
            answers=(Answer(text=answer),),
            scores={"exact": right},
            latency_s=0.2,
        )
        tx.evaluations.add_results([result])


def _run(
    run: str, suite: str, release: str, trigger: Trigger, at: datetime, estimate: float
) -> EvaluationRun:
    compares = suite == "forgetting"
    score = Score(
        metric="exact",
        scorer="exact_match",
        n=118,
        unmeasured=2,
        estimate=estimate,
        low=estimate - 0.06,
        high=min(1.0, estimate + 0.05),
        method="Wilson",
        detail="2 samples: the engine did not answer in time",
    )
    gate = Gate(
        metric="exact",
        bound=Bound.DIFFERENCE_LOW if compares else Bound.SCORE_LOW,
        limit=-0.1 if compares else 0.75,
        value=-0.06 if compares else estimate - 0.06,
        passed=estimate > 0.5,
        reason=f"exact: {estimate:.2f} on 118 samples.",
    )
    return EvaluationRun(
        id=run,
        suite=suite,
        release=release,
        deployment=DEPLOYMENT if trigger is Trigger.NIGHTLY else None,
        trigger=trigger,
        state=RunState.SUCCESSFUL if gate.passed else RunState.FAILED,
        reason="" if gate.passed else "exact is below its gate",
        requested_by="schedule",
        requested_at=at,
        started_at=at + timedelta(seconds=1),
        ended_at=at + timedelta(seconds=42),
        samples=120,
        done=120,
        attempts=1,
        signature=_signature(suite, release),
        scores=(score,),
        differences=(_difference(),) if compares else (),
        gates=(gate,),
    )


def _difference() -> Difference:
    return Difference(
        metric="exact",
        baseline="v0",
        n=118,
        unmeasured=2,
        estimate=-0.02,
        low=-0.06,
        high=0.02,
        smallest_detectable=0.07,
        method="paired bootstrap, 2,000 draws",
        flipped_down=("tools-007",),
        flipped_up=("tools-031",),
    )


def _signature(suite: str, release: str) -> Signature:
    return Signature(
        suite=suite,
        suite_version="1",
        dataset=hashlib.sha256(suite.encode()).hexdigest(),
        scorers={"exact_match": "1"},
        release=release,
        weights=hashlib.sha256(release.encode()).hexdigest(),
        baselines={"v0": "ef" * 32} if suite == "forgetting" else {},
        seed=7,
        decoding={"temperature": 0, "max_tokens": 64},
        versions={"aftertune": "0.3.0", "openai": "2.0.0"},
    )


def _readings(tx: Transaction, at: datetime) -> None:
    """Learning, watching with a gap where the encoder was away, then an alarm on the prompts."""
    tx.drift.save_watch(DEPLOYMENT, b"state", b"reference")
    for step in range(40):
        level = 2.0 + 0.6 * math.sin(step) + max(0, step - 30) * 1.1
        reading = _reading(at - timedelta(minutes=(40 - step) * 5), 500 + step * 50, level)
        if step in (17, 18):
            reading = reading.model_copy(
                update={"state": DriftState.NOT_MEASURED, "reason": "The encoder does not answer."}
            )
        tx.drift.add_reading(reading)


def _reading(at: datetime, observations: int, level: float) -> DriftReading:
    alarm = level >= 12
    return DriftReading(
        deployment=DEPLOYMENT,
        release="v1",
        at=at,
        state=DriftState.ALARM if alarm else DriftState.WATCHING,
        cause=DriftCause.USERS_CHANGED if alarm else DriftCause.NONE,
        reason="Prompts are farther from the reference than chance explains." if alarm else "",
        run_length=10_000,
        reference=500,
        reference_wanted=500,
        reference_digest="cd" * 32,
        observations=observations,
        charts=(
            DriftChart(name="prompts", statistic=level, threshold=12, observations=observations - 500),
            DriftChart(name="answers", statistic=level / 3, threshold=11, observations=observations - 500),
        ),
        encoder="all-MiniLM-L6-v2 1f2e3d",
        examples=("request-1-stable", "request-0-stable") if alarm else (),
    )


def _job(job: str, release: str, at: datetime, silent_s: float) -> TrainingJob:
    points = tuple(
        TrainingPoint(
            step=step,
            loss=2.4 * math.exp(-step / 90) + 0.4 + 0.05 * math.sin(step),
            validation=2.4 * math.exp(-step / 80) + 0.55 if step % 40 == 0 else None,
        )
        for step in range(0, 261, 5)
    )
    return TrainingJob(
        id=job,
        release=release,
        spec="ab" * 32,
        state=TrainingState.RUNNING,
        by="operator",
        host="trainer",
        pid=4242,
        started_at=at - timedelta(seconds=95),
        heartbeat_at=at - timedelta(seconds=silent_s),
        step=260,
        steps=400,
        best_step=240,
        best_validation=points[48].validation,
        points=points,
        seconds=91.5,
    )


def _alert(fingerprint: str, name: str, severity: str, runbook: str, at: datetime) -> Alert:
    return Alert(
        fingerprint=fingerprint,
        name=name,
        severity=severity,
        deployment=DEPLOYMENT,
        summary=f"Prompts drifted. {HOSTILE}"
        if name == "Evil"
        else "Users ask for other things than before.",
        runbook=runbook,
        labels=json.loads('{"alertname": "x"}'),
        starts_at=at - timedelta(minutes=4),
        received_at=at,
    )
