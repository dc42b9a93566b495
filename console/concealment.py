"""Filesystem paths are for those who register releases; everybody else sees what happened without them."""

import re

from aftertune.identity import Permission
from aftertune.values.release import EngineStatus, Release
from console.access import Caller

_PATH = re.compile(r"(?<![\w:/.])~?/[^\s'\",;)\]]+")
"""An absolute path in a sentence; not the path of a URL, whose slashes follow a colon, a slash or a word."""


def release_for(caller: Caller, release: Release) -> Release:
    if caller.may(Permission.REGISTER_RELEASE):
        return release
    hidden = {"base_path": "", "adapter_path": "", "model_path": "", "url": ""}
    return release.model_copy(update={**hidden, "reason": without_paths(release.reason)})


def engine_for(caller: Caller, status: EngineStatus) -> EngineStatus:
    if caller.may(Permission.REGISTER_RELEASE):
        return status
    return status.model_copy(update={"url": "", "reason": without_paths(status.reason)})


def without_paths(text: str) -> str:
    return _PATH.sub("[path]", text)
