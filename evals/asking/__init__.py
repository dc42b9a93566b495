"""The ways of asking, by the name that a suite's card gives."""

from collections.abc import Mapping
from types import MappingProxyType

from aftertune.errors import UnknownName
from evals.asking.chat import chat, stream
from evals.asking.conversation import conversation
from evals.asking.cost import cost
from evals.asking.loss import loss
from evals.asking.question import Question, Way
from evals.asking.search import search

__all__ = ["WAYS", "Question", "Way", "find_way"]

WAYS: Mapping[str, Way] = MappingProxyType(
    {
        "chat": chat,
        "stream": stream,
        "conversation": conversation,
        "loss": loss,
        "search": search,
        "cost": cost,
    }
)


def find_way(name: str) -> Way:
    """Raises UnknownName."""
    if name not in WAYS:
        raise UnknownName("way of asking", name, WAYS)
    return WAYS[name]
