"""Which engine redacts a text."""

from functools import partial
from typing import Protocol

from aftertune.errors import UnknownName
from aftertune.redaction.patterns import KINDS, redacted
from aftertune.settings.sections import RedactionEngine, RedactionSettings


class TextRedaction(Protocol):
    """The text with each finding replaced by its kind in brackets; a fixed point of itself."""

    def __call__(self, text: str) -> str: ...


def text_redaction(settings: RedactionSettings) -> TextRedaction:
    """The patterns; where Presidio is asked for, it looks at what they leave. Raises UnknownName, BadInput."""
    patterns = partial(redacted, kinds=kinds(settings))
    if settings.engine is RedactionEngine.PATTERNS:
        return patterns
    from aftertune.redaction.presidio import PresidioRedaction  # noqa: PLC0415  (an extra, and slow to import)

    return PresidioRedaction(settings, patterns)


def kinds(settings: RedactionSettings) -> frozenset[str]:
    """What the patterns look for: all of it when Presidio names the entities. Raises UnknownName."""
    if settings.engine is RedactionEngine.PRESIDIO or not settings.entities:
        return frozenset(KINDS)
    for entity in settings.entities:
        if entity not in KINDS:
            raise UnknownName("redaction entity", entity, KINDS)
    return frozenset(settings.entities)
