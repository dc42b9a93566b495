"""The engines we can run: for each kind its command line, its environment and what this machine must have for it."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from aftertune.errors import Unavailable, UnknownName
from aftertune.settings.sections import EngineSettings
from aftertune.values.release import EngineKind

_OFFLINE: Mapping[str, str] = MappingProxyType(
    {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
)


@dataclass(frozen=True)
class LocalKind:
    """An engine that we start.

    `command(release, port, settings)` runs with the releases' parent folder as working directory, so that the model's
    name is the release's id and no path can reach an answer. `require` raises Unavailable.
    """

    command: Callable[[str, int, EngineSettings], tuple[str, ...]]
    environment: Mapping[str, str]
    require: Callable[[EngineSettings], None]
    health_path: str = "/health"


def local_kind(kinds: Mapping[EngineKind, LocalKind], name: str) -> LocalKind:
    """Raises UnknownName that lists the kinds which can be run."""
    for kind, local in kinds.items():
        if kind == name:
            return local
    raise UnknownName("engine", name, kinds)


def offline_environment() -> dict[str, str]:
    """What a merge and an engine get to see: our environment without our settings, some of which are secrets."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AFTERTUNE_")}
    return {**inherited, **_OFFLINE}


def engine_environment(kind: LocalKind, settings: EngineSettings) -> dict[str, str]:
    return {**offline_environment(), **kind.environment, "OMP_NUM_THREADS": str(settings.threads)}


def _transformers_command(release: str, port: int, _settings: EngineSettings) -> tuple[str, ...]:
    serve = (sys.executable, "-m", "transformers.cli.transformers", "serve", release)
    return (*serve, "--host", "127.0.0.1", "--port", str(port), "--log-level", "error")


def _require_transformers(_settings: EngineSettings) -> None:
    missing = [name for name in ("torch", "transformers", "uvicorn") if find_spec(name) is None]
    if missing:
        raise Unavailable(
            f"The engine 'transformers' needs {', '.join(missing)}, which this Python does not have.",
            "Install them: pip install 'aftertune[engine]'.",
        )


def _vllm_command(release: str, port: int, settings: EngineSettings) -> tuple[str, ...]:
    # Not resolved: the interpreter of a virtual environment is a link, and following it leaves the environment.
    serve = (str(Path(settings.vllm_python).absolute()), "-m", "vllm.entrypoints.cli.main", "serve", release)
    return (
        *serve,
        *("--host", "127.0.0.1", "--port", str(port), "--served-model-name", release),
        *("--enforce-eager", "--dtype", "float32", "--max-num-seqs", "16"),
        *("--enable-auto-tool-choice", "--tool-call-parser", "hermes"),
        # Without it, vLLM 0.32 can hang when it is asked to stop while it streams.
        *("--shutdown-timeout", "10"),
    )


def _require_vllm(settings: EngineSettings) -> None:
    python = Path(settings.vllm_python)
    if not os.access(python, os.X_OK):
        raise Unavailable(
            f"The engine 'vllm' needs the interpreter {python}, which is not there.",
            "Run 'make vllm', or set AFTERTUNE_ENGINES__VLLM_PYTHON.",
        )


KINDS: Mapping[EngineKind, LocalKind] = MappingProxyType(
    {
        EngineKind.TRANSFORMERS: LocalKind(_transformers_command, {}, _require_transformers),
        EngineKind.VLLM: LocalKind(
            _vllm_command,
            {
                "VLLM_CPU_KVCACHE_SPACE": "1",
                "VLLM_CPU_OMP_THREADS_BIND": "nobind",
                "VLLM_NO_USAGE_STATS": "1",
            },
            _require_vllm,
        ),
    }
)
