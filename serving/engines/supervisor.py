"""Reconciles engines with the store: reads what should run, looks at what does, and takes one step towards it."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from aftertune.clock import Clock
from aftertune.digest import folder_digest
from aftertune.errors import AftertuneError, Conflict, Unavailable
from aftertune.settings.sections import EngineSettings
from aftertune.store import Store
from aftertune.telemetry import ENGINES, TICK_TIMESTAMP
from aftertune.values.release import EngineKind, EngineState, EngineStatus, Release
from serving.engines.audit_cause import audit_cause
from serving.engines.backoff import Backoff
from serving.engines.desired import desired, used
from serving.engines.health import healthy, shared_fingerprint, take_fingerprint
from serving.engines.kinds import KINDS, LocalKind, engine_environment, local_kind
from serving.engines.merges import ACTOR, Merges
from serving.engines.pid_file import PidFile
from serving.engines.process import EngineProcesses, free_port

log = logging.getLogger(__name__)

STOP_GRACE_S = 15.0
"""An engine may finish its answers for so long before it is killed."""
HEALTH_EVERY_S = 5.0
UNHEALTHY_S = 30.0
"""An engine that has not answered for so long is replaced, though its process lives."""


class Supervisor:
    """Every step starts from the store and the pid files, so it may be repeated, and another process may go on."""

    def __init__(
        self,
        store: Store,
        settings: EngineSettings,
        clock: Clock,
        processes: EngineProcesses,
        merges: Merges,
        registry: CollectorRegistry,
        kinds: Mapping[EngineKind, LocalKind] = KINDS,
    ) -> None:
        self._store, self._settings, self._clock = store, settings, clock
        self._processes, self._merges, self._kinds = processes, merges, kinds
        self._backoff = Backoff(clock)
        # An engine that is up now counts as used now: a restart of ours must not stop it early.
        self._last_used: dict[str, datetime] = dict.fromkeys(processes.started(), clock.now())
        self._health_due: dict[str, float] = {}
        self._answered: dict[str, float] = {}
        self._engines = Gauge(ENGINES, "Engines by state.", ["state"], registry=registry)
        self._ticked = Gauge(TICK_TIMESTAMP, "Last finished step of a job.", ["job"], registry=registry)

    def step(self) -> None:
        """One look and what follows from it. Raises Unavailable when the store is away."""
        self._merges.step()
        now = self._clock.now()
        with self._store.read() as tx:
            releases = {release.id: release for release in tx.releases.all()}
            statuses = tx.releases.engines()
            quarantined = tx.releases.quarantined()
            in_use = used(
                tx.deployments.all(),
                tx.rollouts.open(),
                tx.evaluations.open(),
                releases.values(),
                quarantined,
            )
        self._last_used.update(dict.fromkeys(in_use, now))
        keep_warm = timedelta(seconds=self._settings.keep_warm_s)
        wanted = desired(releases.values(), in_use, quarantined, self._last_used, now, keep_warm)
        self._stop_unwanted(wanted, statuses)
        for name in sorted(wanted):
            self._keep(releases[name], statuses.get(name))
        self._report()

    def stop(self) -> None:
        """Stop the running merge and every engine of ours."""
        self._merges.stop()
        running = self._processes.started()
        self._processes.stop(running, STOP_GRACE_S)
        with self._store.read() as tx:
            statuses = tx.releases.engines()
        for name in running:
            if name in statuses:
                self._stopped(statuses[name])

    def _stop_unwanted(self, wanted: set[str], statuses: Mapping[str, EngineStatus]) -> None:
        surplus = [name for name in self._processes.started() if name not in wanted]
        self._processes.stop(surplus, STOP_GRACE_S)
        for name, status in statuses.items():
            if name not in wanted and status.state is not EngineState.STOPPED:
                self._stopped(status)

    def _stopped(self, status: EngineStatus) -> None:
        log.info("Stopped the engine of %s.", status.release)
        self._save(status, "engine_stopped", {}, state=EngineState.STOPPED, reason="", fingerprint=())

    def _keep(self, release: Release, stored: EngineStatus | None) -> None:
        status = stored or EngineStatus(
            release=release.id, kind=release.engine, state=EngineState.STOPPED, updated_at=self._clock.now()
        )
        if release.engine is EngineKind.EXTERNAL:
            self._watch_external(release, status)
            return
        engine = self._processes.find(release.id)
        match status.state:
            case EngineState.STARTING | EngineState.READY if engine is None:
                self._failed(status, "the engine ended", self._processes.last_words(release.id))
            case EngineState.STOPPED | EngineState.FAILED if engine is None:
                if self._backoff.due(release.id):
                    self._start(release, status)
            case EngineState.READY if engine is not None and engine.url == status.url:
                self._watch(release, status, engine)
            case _ if engine is not None:
                self._await_health(release, status, engine)

    def _start(self, release: Release, status: EngineStatus) -> None:
        try:
            kind = local_kind(self._kinds, release.engine)
            kind.require(self._settings)
            digest = _checked_digest(release)
            taken = {port for port in map(_port, self._all_urls(but=release.id)) if port is not None}
            port = free_port(_port(status.url), taken)
            # The last engine's workers may have outlived it.
            self._processes.stop([release.id], STOP_GRACE_S)
            url = f"http://127.0.0.1:{port}"
            # The reason of the last failure stays until the engine is ready.
            self._save(status, None, {}, state=EngineState.STARTING, url=url, weights_digest=digest)
            command = kind.command(release.id, port, self._settings)
            self._processes.start(release.id, url, command, engine_environment(kind, self._settings))
        except (AftertuneError, OSError) as error:
            self._failed(status, "the engine could not be started", str(error))
        else:
            log.info("Starting %s for %s on %s.", release.engine, release.id, url)

    def _await_health(self, release: Release, status: EngineStatus, engine: PidFile) -> None:
        """The engine lives and is not known to be ready: starting, or found by a supervisor that forgot it."""
        if status.state is not EngineState.STARTING or status.url != engine.url:
            self._save(status, None, {}, state=EngineState.STARTING, url=engine.url)
            return
        reason = "it does not answer"
        if healthy(engine.url + local_kind(self._kinds, release.engine).health_path):
            try:
                self._ready(status, take_fingerprint(engine.url, _served_name(release)))
                return
            except Unavailable as error:
                reason = str(error)
        if self._clock.now() - status.updated_at > timedelta(seconds=self._settings.start_timeout_s):
            self._processes.stop([release.id], STOP_GRACE_S)
            timeout = f"not ready after {self._settings.start_timeout_s:g} s"
            last_words = self._processes.last_words(release.id)
            self._failed(status, timeout, f"{reason}; its log ends: {last_words}")

    def _watch(self, release: Release, status: EngineStatus, engine: PidFile) -> None:
        silent_s = self._silent_s(
            release.id, (engine.url + local_kind(self._kinds, release.engine).health_path,)
        )
        if silent_s > UNHEALTHY_S:
            self._processes.stop([release.id], STOP_GRACE_S)
            self._failed(status, f"the engine lived but did not answer for {silent_s:.0f} s")

    def _watch_external(self, release: Release, status: EngineStatus) -> None:
        """Ready while one of its URLs answers: routers see for themselves which."""
        status = status.model_copy(update={"url": release.url})
        urls = (release.url, *release.replicas)
        if status.state is EngineState.READY:
            if self._silent_s(release.id, [f"{url}/health" for url in urls]) > UNHEALTHY_S:
                self._failed(status, "the external engine does not answer", ", ".join(urls))
        elif self._backoff.due(release.id):
            try:
                self._ready(status, shared_fingerprint(urls, _served_name(release)))
            except Unavailable as error:
                self._failed(status, "the external engine gave no fingerprint", str(error))

    def _silent_s(self, name: str, urls: Sequence[str]) -> float:
        """Seconds since the engine last answered at one of `urls`; asks it now and then."""
        now = self._clock.monotonic()
        if now >= self._health_due.get(name, 0.0):
            self._health_due[name] = now + HEALTH_EVERY_S
            if any(map(healthy, urls)):
                self._answered[name] = now
                self._backoff.succeeded(name)
        return now - self._answered.setdefault(name, now)

    def _ready(self, status: EngineStatus, fingerprint: tuple[str, ...]) -> None:
        log.info("The engine of %s is ready.", status.release)
        now = self._clock.monotonic()
        self._answered[status.release], self._health_due[status.release] = now, now + HEALTH_EVERY_S
        body = {"weights_digest": status.weights_digest, "fingerprint": list(fingerprint)}
        self._save(status, "engine_ready", body, state=EngineState.READY, reason="", fingerprint=fingerprint)

    def _failed(self, status: EngineStatus, cause: str, details: str = "") -> None:
        """`details` may name paths and URLs; `cause` goes into the audit log and must not."""
        reason = f"{cause}: {details}" if details else cause
        log.error("The engine of %s failed: %s", status.release, reason)
        self._backoff.failed(status.release)
        # An engine that fails over and over for one reason is one entry in the audit log.
        action = None if status.reason == reason else "engine_failed"
        self._save(status, action, audit_cause(cause, reason), state=EngineState.FAILED, reason=reason)

    def _save(
        self, status: EngineStatus, action: str | None, body: Mapping[str, Any], **changes: Any
    ) -> None:
        now = self._clock.now()
        with self._store.write() as tx:
            tx.releases.save_engine(status.model_copy(update={**changes, "updated_at": now}))
            if action is not None:
                tx.audit.append(now, ACTOR, action, status.release, body)

    def _all_urls(self, but: str) -> list[str]:
        with self._store.read() as tx:
            return [status.url for name, status in tx.releases.engines().items() if name != but]

    def _report(self) -> None:
        with self._store.read() as tx:
            states = [status.state for status in tx.releases.engines().values()]
        for state in EngineState:
            self._engines.labels(state=state).set(states.count(state))
        self._ticked.labels(job=ACTOR).set(self._clock.now().timestamp())


def _checked_digest(release: Release) -> str:
    """The digest of the release's files, which must be what the passport says. Raises Conflict, OSError."""
    digest = folder_digest(Path(release.model_path))
    if release.passport is None or digest != release.passport.merged_digest:
        expected = release.passport.merged_digest if release.passport else "no passport"
        raise Conflict(
            f"The files of {release.id} are not those that were merged: digest {digest}, passport {expected}.",
            "Put the merged files back, or register the release again under a new id.",
        )
    return digest


def _served_name(release: Release) -> str:
    return release.served_name or release.id


def _port(url: str) -> int | None:
    port = url.rpartition(":")[2]
    return int(port) if port.isdigit() else None
