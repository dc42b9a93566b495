"""Traits that a rule can see in an answer: form and facts, not tone. Pure, and nothing in an answer raises."""

import re
from collections.abc import Mapping
from functools import lru_cache

from evals.persona.card import (
    Avoids,
    Brief,
    ClaimsNoDeed,
    Grounded,
    InWords,
    Mentions,
    OnlyItself,
    PersonaCard,
    Rule,
    Says,
    Uses,
)
from evals.suite.sample import Sample
from evals.suite.scoring import Persona

_MARKUP = re.compile(r"[{}<>`|]|\*\*|^#", re.MULTILINE)
_DONE = re.compile(
    r"\b(is|has been|was|i have|i've) (now )?(done|deleted|removed|changed|updated|created|added)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")
_QUOTED = re.compile(r'"([^"]*)"')

Personas = Mapping[str, PersonaCard]


def applies(rule: Rule, sample: Sample, personas: Personas) -> bool:
    """Whether the sample counts for the rule, whatever is answered."""
    if isinstance(rule, Mentions):
        return bool(_mentions(sample))
    if isinstance(rule, ClaimsNoDeed):
        return not sample.tools
    return len(personas) > 1 if isinstance(rule, OnlyItself) else True


def is_shown(rule: Rule, said: str, sample: Sample, persona: PersonaCard, personas: Personas) -> bool:
    others = (other.called for other in personas.values() if other.name != persona.name)
    match rule:
        case Says():
            shown = rule.text in said
        case Brief():
            lines = said.strip().count("\n") + 1
            shown = 0 < len(said.split()) <= rule.words and lines <= rule.lines
        case Avoids():
            shown = not any(holds(said, phrase) for phrase in rule.phrases or persona.vocabulary.avoid)
        case Uses():
            shown = sum(holds(said, phrase) for phrase in persona.vocabulary.use) >= rule.least
        case InWords():
            shown = _MARKUP.search(said) is None
        case Grounded():
            shown = _is_grounded(said, sample)
        case Mentions():
            shown = all(_names(said, name) for name in _mentions(sample))
        case ClaimsNoDeed():
            shown = _DONE.search(said) is None
        case OnlyItself():
            shown = not any(holds(said, other) for other in others)
    return shown


def holds(said: str, phrase: str) -> bool:
    """The phrase as whole words, whatever their case, quotation mark and blanks; a star at its end: any ending."""
    return _pattern(phrase).search(said.replace("’", "'")) is not None


@lru_cache(maxsize=1024)
def _pattern(phrase: str) -> re.Pattern[str]:
    words = r"\s+".join(re.escape(word) for word in phrase.removesuffix("*").split())
    end = "" if phrase.endswith("*") else r"(?!\w)"
    return re.compile(rf"(?<!\w){words}{end}", re.IGNORECASE)


def _is_grounded(said: str, sample: Sample) -> bool:
    known = "\n".join(_texts(sample))
    numbers = set(_NUMBER.findall(known))
    return set(_NUMBER.findall(said)) <= numbers and all(quote in known for quote in _QUOTED.findall(said))


def _names(said: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said) is not None


def _mentions(sample: Sample) -> tuple[str, ...]:
    return sample.scoring.mentions if isinstance(sample.scoring, Persona) else ()


def _texts(sample: Sample) -> list[str]:
    """Everything that was said or called before the answer."""
    said = [str(message.get("content") or "") for message in sample.messages]
    calls = [call for message in sample.messages for call in message.get("tool_calls") or ()]
    return said + [str(call.get("function", {}).get("arguments", "")) for call in calls]
