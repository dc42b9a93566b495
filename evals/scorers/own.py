"""The scorer that a suite brings along: a scorer.py in its folder, with one decorated function.

It is the operator's own code and runs with the room's rights, as a plugin does; a suite's other files are only data.
"""

import importlib.util
from pathlib import Path

from aftertune.errors import BadInput
from evals.scorers.scorer import Scorer


def own_scorer(file: Path) -> Scorer | None:
    """None when there is no such file. Raises BadInput when it cannot be loaded or does not hold exactly one scorer."""
    if not file.exists():
        return None
    spec = importlib.util.spec_from_file_location(f"own_scorer_{file.parent.name}", file)
    if spec is None or spec.loader is None:
        raise BadInput(f"{file} cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise BadInput(f"{file} cannot be loaded: {type(error).__name__}: {error}.") from error
    found = [each for each in vars(module).values() if isinstance(each, Scorer)]
    if len(found) != 1:
        raise BadInput(f"{file} holds {len(found)} scorers.", "It needs exactly one function with @scorer.")
    return found[0]
