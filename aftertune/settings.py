"""The one tree of settings: defaults < YAML file < environment (`AFTERTUNE_`, nested by `__`).

An unknown name, in the file or in the environment, stops the program and lists the known ones.
"""

import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    YamlConfigSettingsSource,
)

from aftertune.address import url
from aftertune.errors import BadInput, UnknownName
from aftertune.values.release import EngineKind

PREFIX = "AFTERTUNE_"
CONFIG_VARIABLE = "AFTERTUNE_CONFIG"
TOKEN_VARIABLE = "AFTERTUNE_TOKEN"
NOT_SETTINGS = frozenset({CONFIG_VARIABLE, TOKEN_VARIABLE})
"""Prefixed variables that are read elsewhere: the settings file's path and the command line's credential."""

_WRITTEN_BY = "python -m aftertune.settings > docs/settings.md"

Port = Annotated[int, Field(ge=0, le=65535)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(_Section):
    url: SecretStr | None = Field(
        default=None, description="postgresql://… or sqlite://…; unset: SQLite in the home folder"
    )


class RouterSettings(_Section):
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


class MirrorSettings(_Section):
    queue: int = Field(
        default=256, ge=1, description="copies that may wait for a release; more are dropped and counted"
    )
    concurrency: int = Field(
        default=4, ge=1, description="copies under way at once to a release that has no budget of its own"
    )
    timeout_s: float = Field(default=60.0, gt=0, description="deadline of a mirrored request")
    max_answer_bytes: int = Field(default=4_000_000, gt=0, description="a longer shadow answer is cut off")


class SpoolSettings(_Section):
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


class RedactionSettings(_Section):
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


class EngineSettings(_Section):
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


class MonitorSettings(_Section):
    host: str = Field(default="127.0.0.1", description="address of the monitor's own API")
    port: Port = Field(default=8082, description="port of router leases, wake-ups and metrics")
    tick_s: float = Field(
        default=0.25, gt=0, description="seconds between two looks of ingest and controller"
    )
    router_lease_s: float = Field(default=10.0, gt=0, description="a silent router counts as gone after this")


class EncoderSettings(_Section):
    host: str = Field(default="127.0.0.1", description="address of the embedded encoder")
    port: Port = Field(default=8086, description="port of the embedded encoder's /v1/embeddings")
    url: str = Field(default="", description="another encoder, without /v1; empty: the embedded one")
    model: str = Field(default="all-MiniLM-L6-v2", description="the name that requests carry")
    threads: int = Field(default=1, ge=1, description="CPU threads of the embedded encoder")
    timeout_s: float = Field(default=10.0, gt=0, description="deadline of one batch")


class DriftSettings(_Section):
    reference: int = Field(default=500, ge=50, description="conversations in a deployment's reference window")
    run_length: int = Field(
        default=10_000, ge=100, description="expected conversations to a false alarm, over both charts"
    )
    batch: int = Field(default=32, ge=1, description="texts a request to the encoder")
    tick_s: float = Field(default=1.0, gt=0, description="seconds between two looks for new exchanges")


class EvalsSettings(_Section):
    metrics_port: Port = Field(default=8087, description="port of the evaluation room's metrics")
    tick_s: float = Field(default=0.5, gt=0, description="seconds between two looks for queued runs")
    concurrency: int = Field(default=4, ge=1, description="requests under way at once, each engine")
    timeout_s: float = Field(default=30.0, gt=0, description="deadline of one answer")
    nightly: str = Field(
        default="0 2 * * *", description="when the nightly suites of each stable release run (cron)"
    )
    time_zone: str = Field(default="UTC", description="of the nightly schedule and the report's weeks")
    judge_url: str = Field(default="", description="OpenAI-compatible judge model, without /v1; empty: none")
    judge_model: str = Field(default="", description="the judge's model name")
    judge_key: SecretStr | None = Field(default=None, description="the judge's API key")


class ReportsSettings(_Section):
    metrics_port: Port = Field(default=8088, description="port of the report room's metrics")
    tick_s: float = Field(default=0.5, gt=0, description="seconds between two looks for requested reports")
    weekly: str = Field(default="0 6 * * mon", description="when last week's report is built (cron)")
    timeout_s: float = Field(default=300.0, gt=0, description="a build that takes longer is ended")


class TrainingSettings(_Section):
    heartbeat_s: float = Field(default=2.0, gt=0, description="seconds between a training job's heartbeats")
    threads: int = Field(default=2, ge=1, description="CPU threads of a training job")


class ConsoleSettings(_Section):
    host: str = Field(default="127.0.0.1", description="address of the console")
    port: Port = Field(default=8083, description="port of the HTTP API and the pages")
    metrics_port: Port = Field(default=8084, description="port of the console's metrics")
    session_s: float = Field(default=28_800.0, gt=0, description="a signed-in session ends after this")


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, case_sensitive=False
    )

    home: Path = Field(
        default=Path(".aftertune"), description="folder of the database, spool, models and logs"
    )
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="least level logged"
    )
    metrics_host: str = Field(
        default="127.0.0.1", description="address of the metrics ports of engines, evals and reports"
    )
    database: DatabaseSettings = DatabaseSettings()
    router: RouterSettings = RouterSettings()
    mirror: MirrorSettings = MirrorSettings()
    spool: SpoolSettings = SpoolSettings()
    redaction: RedactionSettings = RedactionSettings()
    engines: EngineSettings = EngineSettings()
    monitor: MonitorSettings = MonitorSettings()
    console: ConsoleSettings = ConsoleSettings()
    encoder: EncoderSettings = EncoderSettings()
    drift: DriftSettings = DriftSettings()
    evals: EvalsSettings = EvalsSettings()
    reports: ReportsSettings = ReportsSettings()
    training: TrainingSettings = TrainingSettings()

    @property
    def database_url(self) -> str:
        if self.database.url is not None:
            return self.database.url.get_secret_value()
        return f"sqlite:///{(self.home / 'aftertune.db').absolute()}"

    @property
    def control_token_file(self) -> Path:
        return self.home / "control.token"

    @property
    def spool_folder(self) -> Path:
        return self.home / "spool"

    @property
    def routing_folder(self) -> Path:
        """What the routers of this host keep: each its last table, and the pin file."""
        return self.home / "routing"

    @property
    def reports_folder(self) -> Path:
        """One folder for each report, named by its id."""
        return self.home / "reports"

    @property
    def training_folder(self) -> Path:
        """One folder for each training job, named by its id."""
        return self.home / "training"

    @property
    def encoder_url(self) -> str:
        return self.encoder.url or url(self.encoder.host, self.encoder.port)

    @property
    def monitor_url(self) -> str:
        return url(self.monitor.host, self.monitor.port)

    @property
    def console_url(self) -> str:
        return url(self.console.host, self.console.port)

    @property
    def router_url(self) -> str:
        return url(self.router.host, self.router.port)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = YamlConfigSettingsSource(settings_cls, yaml_file=os.environ.get(CONFIG_VARIABLE))
        return init_settings, env_settings, file


def load() -> Settings:
    """Read the settings once, at a program's start. Raises BadInput or UnknownName."""
    path = os.environ.get(CONFIG_VARIABLE)
    if path is not None and not Path(path).is_file():
        raise BadInput(f"The settings file {path} does not exist.", f"Write it, or unset {CONFIG_VARIABLE}.")
    known = dict(known_names())
    for variable in os.environ:
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and variable not in NOT_SETTINGS and name not in known:
            raise UnknownName("setting", variable, (f"{PREFIX}{leaf.upper()}" for leaf in known))
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "__".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise UnknownName("setting", name, known) from None
        raise BadInput(f"The setting {name!r} is wrong: {first['msg']}.") from None
    except (SettingsError, yaml.YAMLError) as error:
        raise BadInput(f"The settings cannot be read: {error}.") from None
    except ValueError as error:  # from the file: no mapping, or no UTF-8
        raise BadInput(
            f"The settings file {path} cannot be read: {error}.", "Write it as 'name: value' lines in UTF-8."
        ) from None


def known_names() -> Iterator[tuple[str, str]]:
    """Every setting as (`section__name`, description)."""
    for name, field in _leaves():
        yield name, field.description or ""


def markdown() -> str:
    """The reference of all settings: what `docs/settings.md` holds."""
    lines = [
        "# Settings",
        "",
        f"Defaults < the YAML file that `{CONFIG_VARIABLE}` names < environment. In the file, the part before",
        "`__` is a section. Unknown names stop the program.",
        f"This page is written by `{_WRITTEN_BY}`.",
        "",
        "| Variable | Default | Meaning |",
        "|---|---|---|",
    ]
    for name, field in _leaves():
        default = field.get_default()
        shown = [str(part) for part in default] if isinstance(default, tuple) else default
        lines.append(f"| `{PREFIX}{name.upper()}` | `{shown}` | {field.description} |")
    return "\n".join(lines) + "\n"


def _leaves() -> Iterator[tuple[str, FieldInfo]]:
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, _Section):
            for leaf, inner in section.model_fields.items():
                yield f"{name}__{leaf}", inner
        else:
            yield name, field


if __name__ == "__main__":
    sys.stdout.write(markdown())
