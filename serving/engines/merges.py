"""The merge queue: registered releases become ready or rejected, one at a time, each in a child process."""

import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aftertune.clock import Clock
from aftertune.errors import BadInput, Conflict
from aftertune.store import Store
from aftertune.values.release import EngineKind, Release, ReleaseState
from serving.engines.audit_cause import audit_cause
from serving.engines.backoff import Backoff
from serving.engines.kinds import offline_environment
from serving.passport import read_passport

log = logging.getLogger(__name__)

ACTOR = "engines"
MERGE: tuple[str, ...] = (sys.executable, "-m", "serving.merge")
_STOP_S = 5.0


class Merges:
    """`step` is called often and may be interrupted anywhere: a merge that is run again finds its work done."""

    def __init__(
        self, store: Store, clock: Clock, models: Path, logs: Path, command: Sequence[str] = MERGE
    ) -> None:
        self._store, self._clock, self._command = store, clock, command
        self._models, self._logs = models.absolute(), logs.absolute()
        self._backoff = Backoff(clock)
        self._running: tuple[Release, subprocess.Popen[bytes]] | None = None

    def step(self) -> None:
        """Take in a merge that ended, start the next. Raises Unavailable when the store is away."""
        if self._running is not None:
            release, child = self._running
            code = child.poll()
            if code is None:
                return
            self._finish(release, code)
            self._running = None
        with self._store.read() as tx:
            waiting = tx.releases.in_state(ReleaseState.REGISTERED, ReleaseState.MERGING)
        for release in waiting:
            if release.engine is EngineKind.EXTERNAL:
                self._save(release, {"state": ReleaseState.READY}, "release_ready", {})
            elif self._running is None and self._backoff.due(release.id):
                self._start(release)

    def stop(self) -> None:
        """End the running merge; it starts afresh next time."""
        if self._running is None:
            return
        _, child = self._running
        child.terminate()
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        self._running = None

    def _start(self, release: Release) -> None:
        if release.state is ReleaseState.REGISTERED:
            self._save(release, {"state": ReleaseState.MERGING}, "release_merging", {})
        paths = ["--base", release.base_path]
        if release.adapter_path:
            paths += ["--adapter", release.adapter_path]
        with self._log_file(release).open("wb") as output:
            child = subprocess.Popen(
                [*self._command, "--release", release.id, *paths, "--out", str(self._out(release))],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=offline_environment(),
            )
        self._running = (release, child)
        log.info("Merging release %s.", release.id)

    def _finish(self, release: Release, code: int) -> None:
        if code == 0:
            try:
                passport = read_passport(self._out(release))
            except Conflict as error:
                self._reject(release, "the merge left no passport that can be read", str(error))
                return
            made = {"state": ReleaseState.READY, "model_path": str(self._out(release)), "reason": ""}
            self._backoff.succeeded(release.id)
            self._save(
                release,
                {**made, "passport": passport},
                "release_merged",
                {"merged_digest": passport.merged_digest, "proof": passport.proof.model_dump()},
            )
        elif code == BadInput.exit_code:
            self._reject(release, "the merge refused it", self._reason(release))
        else:
            # Killed, no memory, no disk, no torch: that says nothing about the release.
            reason = f"the merge ended with {code} and will be tried again: {self._reason(release)}"
            log.warning("Release %s: %s", release.id, reason)
            self._backoff.failed(release.id)
            with self._store.write() as tx:
                tx.releases.save(release.model_copy(update={"state": ReleaseState.MERGING, "reason": reason}))

    def _reject(self, release: Release, cause: str, reason: str) -> None:
        log.error("Release %s is rejected: %s", release.id, reason)
        rejected = {"state": ReleaseState.REJECTED, "reason": reason}
        self._save(release, rejected, "release_rejected", audit_cause(cause, reason))

    def _save(self, release: Release, update: dict[str, Any], action: str, body: dict[str, Any]) -> None:
        with self._store.write() as tx:
            tx.releases.save(release.model_copy(update=update))
            tx.audit.append(self._clock.now(), ACTOR, action, release.id, body)

    def _reason(self, release: Release) -> str:
        """The error that the merge printed last, or its last line."""
        lines = self._log_file(release).read_text(errors="replace").strip().splitlines() or [
            "it said nothing"
        ]
        errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        return (errors or lines)[-1]

    def _out(self, release: Release) -> Path:
        return self._models / release.id

    def _log_file(self, release: Release) -> Path:
        return self._logs / f"merge-{release.id}.log"
