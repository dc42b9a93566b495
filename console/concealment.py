"""Paths and engines' addresses are for those who register releases; others see what happened without them."""

import re

from aftertune.identity import Permission
from aftertune.values.evaluation import EvaluationRun, SampleResult
from aftertune.values.release import EngineStatus, Release
from aftertune.values.report import Report
from aftertune.values.training import TrainingJob
from console.access import Caller
from console.suites import SuiteStanding

_PATH = re.compile(r"(?<![\w:/.])~?/[^\s'\",;)\]]+")
"""An absolute path in a sentence; not the path of a URL, whose slashes follow a colon, a slash or a word."""


_ADDRESS = re.compile(r"\bhttps?://[^\s'\",;)\]]+")


def release_for(caller: Caller, release: Release) -> Release:
    if caller.may(Permission.REGISTER_RELEASE):
        return release
    hidden = {"base_path": "", "adapter_path": "", "model_path": "", "url": "", "replicas": ()}
    return release.model_copy(update={**hidden, "reason": reason_for(caller, release.reason)})


def engine_for(caller: Caller, status: EngineStatus) -> EngineStatus:
    if caller.may(Permission.REGISTER_RELEASE):
        return status
    return status.model_copy(update={"url": "", "reason": reason_for(caller, status.reason)})


def run_for(caller: Caller, run: EvaluationRun) -> EvaluationRun:
    """Why a number is missing may name an engine's address, too."""
    if caller.may(Permission.REGISTER_RELEASE):
        return run
    return run.model_copy(
        update={
            "reason": without_places(run.reason),
            "scores": tuple(
                each.model_copy(update={"detail": without_places(each.detail)}) for each in run.scores
            ),
            "gates": tuple(
                each.model_copy(update={"reason": without_places(each.reason)}) for each in run.gates
            ),
            "unmeasured": tuple(
                each.model_copy(update={"reason": without_places(each.reason)}) for each in run.unmeasured
            ),
        }
    )


def result_for(caller: Caller, result: SampleResult) -> SampleResult:
    return result.model_copy(update={"error": reason_for(caller, result.error)})


def standing_for(caller: Caller, standing: SuiteStanding) -> SuiteStanding:
    return standing.model_copy(update={"said": reason_for(caller, standing.said)})


def report_for(caller: Caller, report: Report) -> Report:
    return report.model_copy(update={"reason": reason_for(caller, report.reason)})


def job_for(caller: Caller, job: TrainingJob) -> TrainingJob:
    return job.model_copy(update={"reason": reason_for(caller, job.reason)})


def reason_for(caller: Caller, reason: str) -> str:
    return reason if caller.may(Permission.REGISTER_RELEASE) else without_places(reason)


def without_places(text: str) -> str:
    return _PATH.sub("[path]", _ADDRESS.sub("[address]", text))
