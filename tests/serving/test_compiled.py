"""The data path as sources, and compiled: `pytest -o pythonpath=.compiled` takes what `scripts/compile` has made."""

import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPILED = ROOT / ".compiled"


def listed() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    modules: list[str] = settings["tool"]["aftertune"]["compiled"]
    return modules


def test_the_data_path_is_what_was_asked_for(pytestconfig: pytest.Config) -> None:
    compiled = COMPILED in pytestconfig.getini("pythonpath")
    folder = COMPILED if compiled else ROOT
    for source in listed():
        file = Path(str(import_module(source.removesuffix(".py").replace("/", ".")).__file__))
        assert file.is_relative_to(folder / source.rpartition("/")[0])
        assert file.suffix == (".so" if compiled else ".py")


def test_all_of_the_wire_is_listed() -> None:
    """What is not compiled calls into it by slow ways."""
    wire = {str(path.relative_to(ROOT)) for path in (ROOT / "serving/wire").glob("[!_]*.py")}
    assert wire <= set(listed())
