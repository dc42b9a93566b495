"""Payloads without what identifies people: what ingest stores of a deployment whose capture is `redacted`.

    redaction = redactor(settings)
    stored = redaction.redact(body)

Bodies are of any form; what cannot be redacted is not kept.
"""

from aftertune.redaction.redactor import FAULT, Redactor
from aftertune.redaction.text import TextRedaction, kinds, text_redaction
from aftertune.settings import Settings

__all__ = ["FAULT", "Redactor", "TextRedaction", "redactor"]


def redactor(settings: Settings) -> Redactor:
    """As the settings ask for. Raises UnknownName, BadInput (an engine that is not installed)."""
    return Redactor(text_redaction(settings.redaction), kinds(settings.redaction))
