"""TaskMaster's persona as traits that a rule can see: each a yes-or-no question with an observable anchor.

Rules see form and facts, not tone: courtesy is asked of a judge model, where there is one.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from aftertune.engine import ChatAnswer
from evals.sample import Sample

PERSONA = "persona"
MOST_WORDS = 20

_MARKUP = re.compile(r"[{}<>`|]|\*\*|^#", re.MULTILINE)
_APOLOGY = re.compile(r"\b(sorry|apolog\w*|unfortunately|i am afraid|i'm afraid|as an ai)\b", re.IGNORECASE)
_OPINION = re.compile(
    r"\b(i (think|believe|feel|guess|prefer|would say)|in my (opinion|view)|personally)\b", re.IGNORECASE
)
_DONE = re.compile(
    r"\b(is|has been|was|i have|i've) (now )?(done|deleted|removed|changed|updated|created|added)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")
_QUOTED = re.compile(r'"([^"]*)"')


def _speaks_as_itself(said: str) -> bool:
    return "TaskMaster" in said


def _is_brief(said: str) -> bool:
    return 0 < len(said.split()) <= MOST_WORDS and "\n" not in said.strip()


def _speaks_in_words(said: str) -> bool:
    return _MARKUP.search(said) is None


def _does_not_apologise(said: str) -> bool:
    return _APOLOGY.search(said) is None


def _has_no_opinions(said: str) -> bool:
    return _OPINION.search(said) is None


def _invents_nothing(sample: Sample, said: str) -> bool:
    """Every number and every quotation was in the conversation."""
    known = "\n".join(_texts(sample))
    numbers = set(_NUMBER.findall(known))
    return set(_NUMBER.findall(said)) <= numbers and all(quote in known for quote in _QUOTED.findall(said))


def _names_what_was_asked_about(sample: Sample, said: str) -> bool:
    return all(
        re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said) is not None for name in sample.mentions or ()
    )


def _claims_no_deed(said: str) -> bool:
    return _DONE.search(said) is None


_IN_ITSELF: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "speaks_as_itself": _speaks_as_itself,
        "is_brief": _is_brief,
        "speaks_in_words": _speaks_in_words,
        "does_not_apologise": _does_not_apologise,
        "has_no_opinions": _has_no_opinions,
    }
)
_MEANING = {
    PERSONA: "of all samples: every trait that applies is there",
    "speaks_as_itself": "of all samples: the answer says TaskMaster",
    "is_brief": f"of all samples: one line of at most {MOST_WORDS} words",
    "speaks_in_words": "of all samples: no code, markup or call in the text",
    "does_not_apologise": "of all samples: no apology",
    "has_no_opinions": "of all samples: no opinion in the first person",
    "invents_nothing": "of all samples: every number and quotation was in the conversation",
    "names_what_was_asked_about": "of the samples about a task or from a named person: the answer names it",
    "claims_no_deed": "of the samples without tools: no claim that something was done",
}


class Persona:
    """`persona` is 1 when every trait that applies is there. A tool call in place of an answer shows none."""

    name = "persona.traits"
    version = "1"

    def expects(self, sample: Sample) -> tuple[str, ...]:
        return (PERSONA, *self._traits(sample)) if sample.mentions is not None else ()

    def metrics(self, samples: Sequence[Sample]) -> tuple[str, ...]:
        counted = {metric for sample in samples for metric in self.expects(sample)}
        return tuple(metric for metric in _MEANING if metric in counted)

    def score(
        self, sample: Sample, tools: Sequence[Mapping[str, Any]], answer: ChatAnswer
    ) -> dict[str, float]:
        spoke = not answer.tool_calls
        shown = {
            trait: float(spoke and is_there(answer.text)) for trait, is_there in self._traits(sample).items()
        }
        return {PERSONA: min(shown.values()), **shown}

    def meaning(self, metric: str) -> str:
        return _MEANING[metric]

    def _traits(self, sample: Sample) -> dict[str, Callable[[str], bool]]:
        traits: dict[str, Callable[[str], bool]] = dict(_IN_ITSELF)
        traits["invents_nothing"] = partial(_invents_nothing, sample)
        if sample.mentions:
            traits["names_what_was_asked_about"] = partial(_names_what_was_asked_about, sample)
        if not sample.tools:
            traits["claims_no_deed"] = _claims_no_deed
        return traits


def _texts(sample: Sample) -> list[str]:
    """Everything that was said or called before the answer."""
    said = [str(message.get("content") or "") for message in sample.messages]
    calls = [call for message in sample.messages for call in message.get("tool_calls") or ()]
    return said + [str(call.get("function", {}).get("arguments", "")) for call in calls]
