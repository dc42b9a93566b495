"""The one tree of settings: defaults < YAML file < environment (`AFTERTUNE_`, nested by `__`).

An unknown name, in the file or in the environment, stops the program and lists the known ones.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import Field, ValidationError
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
from aftertune.settings.sections import (
    ConsoleSettings,
    DatabaseSettings,
    DriftSettings,
    EncoderSettings,
    EngineSettings,
    EvalsSettings,
    MirrorSettings,
    MonitorSettings,
    RedactionSettings,
    ReportsSettings,
    RouterSettings,
    Section,
    SpoolSettings,
    TrainingSettings,
)

PREFIX = "AFTERTUNE_"
CONFIG_VARIABLE = "AFTERTUNE_CONFIG"
TOKEN_VARIABLE = "AFTERTUNE_TOKEN"
NOT_SETTINGS = frozenset({CONFIG_VARIABLE, TOKEN_VARIABLE})
"""Prefixed variables that are read elsewhere: the settings file's path and the command line's credential."""


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
    for name, field in leaves():
        yield name, field.description or ""


def leaves() -> Iterator[tuple[str, FieldInfo]]:
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            for leaf, inner in section.model_fields.items():
                yield f"{name}__{leaf}", inner
        else:
            yield name, field
