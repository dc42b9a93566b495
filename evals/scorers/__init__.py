"""The scorers, by the name that a suite's card gives."""

from collections.abc import Mapping
from types import MappingProxyType

from aftertune.errors import UnknownName
from evals.scorers.exact_match import ExactMatch
from evals.scorers.persona import Persona
from evals.scorers.scorer import Scorer
from evals.scorers.tool_calls import StrictToolCalls

__all__ = ["SCORERS", "Scorer", "find_scorer"]

_ALL: tuple[Scorer, ...] = (StrictToolCalls(), ExactMatch(), Persona())

SCORERS: Mapping[str, Scorer] = MappingProxyType({scorer.name: scorer for scorer in _ALL})


def find_scorer(name: str) -> Scorer:
    """Raises UnknownName."""
    if name not in SCORERS:
        raise UnknownName("scorer", name, SCORERS)
    return SCORERS[name]
