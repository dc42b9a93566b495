"""Microsoft Presidio after the patterns: names and places with a spaCy model, national numbers without one.

Loaded only when the settings ask for it: it is an extra. Nothing is fetched: a model must be installed, and the
recogniser of e-mail addresses, which would look up a list on the network, is not asked.
"""

import re
from pathlib import Path

from aftertune.errors import BadInput, UnknownName
from aftertune.redaction.text import TextRedaction
from aftertune.settings.sections import RedactionSettings

try:
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, RecognizerResult
    from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine
except ImportError as error:
    raise BadInput(
        f"Presidio is asked for and cannot be loaded: {error}.",
        "Install it with `pip install 'aftertune[redaction]'`, or set AFTERTUNE_REDACTION__ENGINE=patterns.",
    ) from None

_PLACEHOLDER = re.compile(r"(\[[A-Z][A-Z_]*\])")
"""What a replacement left is not looked at again."""

LEFT_OUT = frozenset({"EMAIL_ADDRESS", "DATE_TIME", "URL", "UUID"})
"""Not asked for unless named: the patterns find addresses, and the others identify machines and moments."""


class PresidioRedaction:
    """Patterns first, then what Presidio finds in the text that they leave."""

    def __init__(self, settings: RedactionSettings, patterns: TextRedaction) -> None:
        """Raises BadInput (a language or model that is not there), UnknownName (an entity)."""
        self._patterns = patterns
        self._language = settings.language
        self._threshold = settings.score_threshold
        engine = _engine(settings)
        registry = RecognizerRegistry(supported_languages=[settings.language])
        registry.load_predefined_recognizers(languages=[settings.language], nlp_engine=engine)
        self._analyzer = AnalyzerEngine(
            registry=registry, nlp_engine=engine, supported_languages=[settings.language]
        )
        known = self._analyzer.get_supported_entities(settings.language)
        for entity in settings.entities:
            if entity not in known:
                raise UnknownName("redaction entity", entity, known)
        self._entities = list(settings.entities or sorted(set(known) - LEFT_OUT))

    def __call__(self, text: str) -> str:
        return "".join(
            part if _PLACEHOLDER.fullmatch(part) or not part.strip() else self._analysed(part)
            for part in _PLACEHOLDER.split(self._patterns(text))
        )

    def _analysed(self, text: str) -> str:
        found = self._analyzer.analyze(
            text, self._language, entities=self._entities, score_threshold=self._threshold
        )
        return _replaced(text, found)


class _WithoutModel(SpacyNlpEngine):  # type: ignore[misc]  # an extra: unknown where it is missing
    """Splits a text into words and knows no names; a word is its own lemma, for recognisers that look around."""

    def __init__(self, language: str) -> None:
        super().__init__(models=[{"lang_code": language, "model_name": "blank"}])
        self._language = language

    def load(self) -> None:
        pipeline = spacy.blank(self._language)
        pipeline.max_length = 1_000_000_000  # there is no parser whose memory would have to be bounded
        self.nlp = {self._language: pipeline}

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        words = self.nlp[language](text)
        for word in words:
            word.lemma_ = word.lower_
        return self._doc_to_nlp_artifact(words, language)


def _engine(settings: RedactionSettings) -> SpacyNlpEngine:
    model = settings.spacy_model
    if not model:
        try:
            engine = _WithoutModel(settings.language)
            engine.load()
        except ImportError:
            raise BadInput(
                f"spaCy knows no language {settings.language!r}.", "Use a code such as 'en' or 'de'."
            ) from None
        return engine
    if not spacy.util.is_package(model) and not Path(model).is_dir():
        raise BadInput(
            f"The spaCy model {model!r} is not installed.",
            "Install its package beside Presidio, or name its folder.",
        )
    engine = SpacyNlpEngine(models=[{"lang_code": settings.language, "model_name": model}])
    engine.load()
    return engine


def _replaced(text: str, found: list[RecognizerResult]) -> str:
    """Findings that overlap are one, named for the surest."""
    parts: list[str] = []
    copied = 0
    for start, end, kind in _merged(found):
        parts += [text[copied:start], f"[{kind}]"]
        copied = end
    return "".join([*parts, text[copied:]])


def _merged(found: list[RecognizerResult]) -> list[tuple[int, int, str]]:
    """Start, end and kind, in order and apart."""
    merged: list[tuple[int, int, str, float]] = []
    for each in sorted(found, key=lambda each: (each.start, -each.end)):
        if merged and each.start < merged[-1][1]:
            start, end, kind, score = merged[-1]
            surer = (kind, score) if score >= each.score else (each.entity_type, each.score)
            merged[-1] = (start, max(end, each.end), *surer)
        else:
            merged.append((each.start, each.end, each.entity_type, each.score))
    return [(start, end, kind) for start, end, kind, _ in merged]
