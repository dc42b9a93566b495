"""Hatchling's hook for the wheel: compiles the data path and adds the extensions. An editable install has sources only."""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_NEEDED = ("aftertune", "serving", "pyproject.toml", "scripts")
"""What the modules are compiled from."""


class CompiledDataPath(BuildHookInterface):
    """The work is done in a copy: the checkout stays as it is."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        self._copy = Path(mkdtemp(prefix="aftertune-"))
        try:
            self._compile()
        except BaseException:
            shutil.rmtree(self._copy)
            raise
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for extension in self._copy.rglob("*.so"):
            place = extension.relative_to(self._copy)
            if place.parts[0] != "build":
                build_data["force_include"][str(extension)] = str(place)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            shutil.rmtree(self._copy)

    def _compile(self) -> None:
        for name in _NEEDED:
            source = Path(self.root, name)
            if source.is_dir():
                shutil.copytree(source, self._copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, self._copy)
        subprocess.run([sys.executable, self._copy / "scripts/compiled.py", self._copy], check=True)
