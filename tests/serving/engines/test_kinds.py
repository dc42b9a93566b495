from pathlib import Path

import pytest

from aftertune.errors import Unavailable, UnknownName
from aftertune.settings.sections import EngineSettings
from aftertune.values.release import EngineKind
from serving.engines.kinds import KINDS, engine_environment, local_kind


def test_an_unknown_engine_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"Unknown engine 'ollama'. Known: transformers, vllm\."):
        local_kind(KINDS, "ollama")


@pytest.mark.parametrize("kind", KINDS)
def test_every_engine_is_told_the_releases_id_and_no_path(kind: EngineKind) -> None:
    command = KINDS[kind].command("rel-1", 4711, EngineSettings())
    assert "rel-1" in command
    assert "4711" in command
    assert not any("/" in word for word in command[1:])


@pytest.mark.parametrize("kind", KINDS)
def test_engines_are_offline_and_see_no_setting(kind: EngineKind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERTUNE_DATABASE__URL", "postgresql://user:secret@db/x")
    seen = engine_environment(KINDS[kind], EngineSettings(threads=3))
    assert seen["HF_HUB_OFFLINE"] == "1"
    assert seen["OMP_NUM_THREADS"] == "3"
    assert not [name for name in seen if name.startswith("AFTERTUNE_")]


def test_a_missing_vllm_says_what_to_run(tmp_path: Path) -> None:
    settings = EngineSettings(vllm_python=str(tmp_path / "python"))
    with pytest.raises(Unavailable, match="make vllm"):
        KINDS[EngineKind.VLLM].require(settings)


def test_a_missing_transformers_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.engines.kinds.find_spec", lambda _name: None)
    with pytest.raises(Unavailable, match=r"aftertune\[engine\]"):
        KINDS[EngineKind.TRANSFORMERS].require(EngineSettings())
