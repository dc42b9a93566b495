"""The sections of the settings, one for each room and what rooms share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from aftertune.values.release import EngineKind
from aftertune.values.schedule import NIGHTLY, WEEKLY, Schedule

Port = Annotated[int, Field(ge=0, le=65535)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(Section):
    url: SecretStr | None = Field(
        default=None, description="postgresql://… or sqlite://…; unset: SQLite in the home folder"
    )


class RouterSettings(Section):
    name: str = Field(default="router-1", description="names the router's spool folder and lease; unique")
    host: str = Field(default="127.0.0.1", description="address that clients reach")
    port: Port = Field(default=8080, description="port of the OpenAI API")
    share_port: bool = Field(
        default=False,
        description="other router processes of this user may listen on the port too; true under 'aftertune up'",
    )
    admin_port: Port = Field(default=8090, description="port of metrics, health and routing-table pushes")
    connect_timeout_s: float = Field(default=2.0, gt=0, description="deadline to connect to an engine")
    first_byte_timeout_s: float = Field(default=60.0, gt=0, description="deadline for an answer's first byte")
    chunk_timeout_s: float = Field(default=30.0, gt=0, description="deadline between two pieces of an answer")
    total_timeout_s: float = Field(default=600.0, gt=0, description="deadline for the whole answer")
    max_body_bytes: int = Field(default=10_000_000, gt=0, description="larger requests get 413")
    max_head_bytes: int = Field(
        default=32_768, ge=1024, description="a longer request line with its headers gets 431"
    )
    max_answer_bytes: int = Field(default=100_000_000, gt=0, description="a longer answer is cut off")
    head_timeout_s: float = Field(
        default=10.0, gt=0, description="a request's headers must have arrived by then"
    )
    body_timeout_s: float = Field(
        default=30.0, gt=0, description="a request's body must have arrived by then"
    )
    idle_timeout_s: float = Field(default=75.0, gt=0, description="an idle connection is closed after this")
    max_connections: int = Field(default=10_000, gt=0, description="further connections are closed at once")
    processes: int = Field(
        default=1,
        ge=1,
        le=64,
        description="router processes that 'aftertune up' runs; names and admin ports count up",
    )
    probe_interval_s: float = Field(
        default=2.0, gt=0, description="seconds between health probes of an engine that failed"
    )
    drain_s: float = Field(
        default=25.0, gt=0, le=28, description="a stopping router waits this long for answers under way"
    )
    poll_interval_s: float = Field(default=1.0, gt=0, description="seconds between polls for a newer table")


class MirrorSettings(Section):
    queue: int = Field(
        default=256, ge=1, description="copies that may wait for a release; more are dropped and counted"
    )
    queue_bytes: int = Field(
        default=8_000_000,
        gt=0,
        description="memory of all copies that wait in one router; beyond it they are dropped and counted",
    )
    concurrency: int = Field(
        default=4, ge=1, description="copies under way at once to a release that has no budget of its own"
    )
    timeout_s: float = Field(default=60.0, gt=0, description="deadline of a mirrored request")
    max_answer_bytes: int = Field(default=4_000_000, gt=0, description="a longer shadow answer is cut off")


class SpoolSettings(Section):
    segment_bytes: int = Field(default=64_000_000, gt=0, description="a segment is sealed at this size")
    seal_s: float = Field(
        default=600.0,
        gt=0,
        le=3000,
        description="and this long after its first record; ingest then deletes it",
    )
    fsync_s: float = Field(
        default=0.05,
        ge=0,
        description="records reach the disk in groups, this often; what a power cut can lose. 0: never by us",
    )
    disk_budget_bytes: int = Field(
        default=10_000_000_000, gt=0, description="segments that wait for ingest may hold this much"
    )


class RedactionEngine(StrEnum):
    PATTERNS = "patterns"
    PRESIDIO = "presidio"


class RedactionSettings(Section):
    engine: RedactionEngine = Field(
        default=RedactionEngine.PATTERNS,
        description="patterns, or presidio: patterns and then Microsoft Presidio (the extra `redaction`)",
    )
    entities: tuple[str, ...] = Field(
        default=(), description="kinds to redact, by the engine's names; empty: all that the engine knows"
    )
    language: str = Field(default="en", description="the language of Presidio's recognisers")
    score_threshold: float = Field(
        default=0.4, ge=0, le=1, description="a finding of Presidio below this score is left"
    )
    spacy_model: str = Field(
        default="", description="Presidio's installed spaCy model; empty: none, recognisers by pattern alone"
    )


class EngineSettings(Section):
    kind: EngineKind = Field(
        default=EngineKind.TRANSFORMERS, description="engine of newly registered releases"
    )
    vllm_python: str = Field(default=".venv-vllm/bin/python", description="interpreter that has vLLM")
    threads: int = Field(default=1, ge=1, description="CPU threads an engine")
    start_timeout_s: float = Field(
        default=300.0, gt=0, description="an engine that is not healthy by then failed"
    )
    release_roots: tuple[Path, ...] = Field(
        default=(Path(),), description="folders that may hold bases and adapters"
    )
    metrics_port: Port = Field(default=8085, description="port of the engine supervisor's metrics")
    keep_warm_s: float = Field(default=3600.0, ge=0, description="how long an unused engine stays up")


class MonitorSettings(Section):
    host: str = Field(default="127.0.0.1", description="address of the monitor's own API")
    port: Port = Field(default=8082, description="port of router leases, wake-ups and metrics")
    tick_s: float = Field(
        default=0.25, gt=0, description="seconds between two looks of ingest and controller"
    )
    router_lease_s: float = Field(default=10.0, gt=0, description="a silent router counts as gone after this")


class EncoderSettings(Section):
    host: str = Field(default="127.0.0.1", description="address of the embedded encoder")
    port: Port = Field(default=8086, description="port of the embedded encoder's /v1/embeddings")
    url: str = Field(default="", description="another encoder, without /v1; empty: the embedded one")
    model: str = Field(default="all-MiniLM-L6-v2", description="the name that requests carry")
    threads: int = Field(default=1, ge=1, description="CPU threads of the embedded encoder")
    timeout_s: float = Field(default=10.0, gt=0, description="deadline of one batch")


class DriftSettings(Section):
    reference: int = Field(default=500, ge=50, description="conversations in a deployment's reference window")
    run_length: int = Field(
        default=10_000, ge=100, description="expected conversations to a false alarm, over both charts"
    )
    batch: int = Field(default=32, ge=1, description="texts a request to the encoder")
    tick_s: float = Field(default=1.0, gt=0, description="seconds between two looks for new exchanges")


class JudgeSettings(Section):
    """One judge model behind an OpenAI-compatible API. `url` has no /v1."""

    url: str = Field(min_length=1)
    model: str = Field(min_length=1)
    key: SecretStr | None = None
    structured: bool = True
    """Whether it is sent a JSON schema for its answer (`response_format`)."""


class ExecutorKind(StrEnum):
    LOCAL = "local"
    RAY = "ray"


class EvalsSettings(Section):
    metrics_port: Port = Field(default=8087, description="port of the evaluation room's metrics")
    tick_s: float = Field(default=0.5, gt=0, description="seconds between two looks for queued runs")
    concurrency: int = Field(default=4, ge=1, description="requests under way at once, each engine")
    timeout_s: float = Field(default=30.0, gt=0, description="deadline of one answer")
    requests_per_s: float | None = Field(
        default=None, gt=0, description="budget of all engines of a run together; None: as many as come"
    )
    tokens_per_minute: float | None = Field(
        default=None, gt=0, description="budget of prompt and answer tokens, reserved before a request"
    )
    tries: int = Field(default=4, ge=1, description="of one request, where its failure can pass")
    retry_within_s: float = Field(
        default=20.0, gt=0, description="no try is begun later after a request's first"
    )
    run_timeout_s: float = Field(
        default=21_600.0, gt=0, description="an attempt that takes longer ends its run as an error"
    )
    executor: ExecutorKind = Field(
        default=ExecutorKind.LOCAL,
        description="local, or ray: engines are asked by Ray's workers (extra `ray`)",
    )
    ray_workers: int = Field(default=2, ge=1, description="worker processes of the executor ray")
    ray_address: str = Field(
        default="", description="of a running Ray cluster; empty: workers of this machine"
    )
    suites: tuple[Path, ...] = Field(
        default=(), description="folders of your own suites, beside those that come along"
    )
    schedules: tuple[Schedule, ...] = Field(
        default=(NIGHTLY, WEEKLY), description="when suites of stable releases run (docs/evaluation.md)"
    )
    time_zone: str = Field(default="UTC", description="of schedules that name none and of the report's weeks")
    judges: tuple[JudgeSettings, ...] = Field(
        default=(), description="judge models, best of different families, each asked every question (JSON)"
    )
    judge_timeout_s: float = Field(default=60.0, gt=0, description="deadline of one answer of a judge")
    judge_concurrency: int = Field(default=2, ge=1, description="requests under way at once, each judge")


class ReportsSettings(Section):
    metrics_port: Port = Field(default=8088, description="port of the report room's metrics")
    tick_s: float = Field(default=0.5, gt=0, description="seconds between two looks for requested reports")
    weekly: str = Field(default="0 6 * * mon", description="when last week's report is built (cron)")
    timeout_s: float = Field(default=300.0, gt=0, description="a build that takes longer is ended")


class TrainingSettings(Section):
    heartbeat_s: float = Field(default=2.0, gt=0, description="seconds between a training job's heartbeats")
    threads: int = Field(default=2, ge=1, description="CPU threads of a training job")


class ConsoleSettings(Section):
    host: str = Field(default="127.0.0.1", description="address of the console")
    port: Port = Field(default=8083, description="port of the HTTP API and the pages")
    metrics_port: Port = Field(default=8084, description="port of the console's metrics")
    session_s: float = Field(default=28_800.0, gt=0, description="a signed-in session ends after this")
