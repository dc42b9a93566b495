"""The adapter to Presidio, against its interface: the package itself is an extra that the tests do without."""

import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from aftertune.errors import BadInput, UnknownName
from aftertune.redaction import FAULT, Redactor, redactor
from aftertune.settings import Settings
from aftertune.settings.sections import RedactionEngine, RedactionSettings

ADAPTER = "aftertune.redaction.presidio"
PERSON, PLACE, DATE = "PERSON", "LOCATION", "DATE_TIME"


class Analyzer:
    """Finds words that it was told; remembers what it was asked."""

    words: tuple[tuple[str, str, float], ...] = (("Ann Lee", PERSON, 0.9), ("Lee in Ulm", PLACE, 0.6))
    asked: list[dict[str, Any]]

    def __init__(self, **given: Any) -> None:
        self.given = given
        type(self).asked = []

    def get_supported_entities(self, language: str) -> list[str]:
        return [PERSON, PLACE, DATE]

    def analyze(
        self, text: str, language: str, *, entities: list[str], score_threshold: float
    ) -> list[SimpleNamespace]:
        self.asked.append(
            {"text": text, "language": language, "entities": entities, "least": score_threshold}
        )
        return [
            SimpleNamespace(start=at, end=at + len(word), entity_type=kind, score=score)
            for word, kind, score in self.words
            if (at := text.find(word)) >= 0 and kind in entities and score >= score_threshold
        ]


class Registry:
    def __init__(self, **given: Any) -> None:
        self.given = given

    def load_predefined_recognizers(self, **given: Any) -> None:
        assert given["languages"] == self.given["supported_languages"]
        assert given["nlp_engine"].nlp


class SpacyEngine:
    def __init__(self, models: list[dict[str, str]]) -> None:
        self.models = models
        self.nlp: dict[str, Any] = {}

    def load(self) -> None:
        self.nlp = {model["lang_code"]: model["model_name"] for model in self.models}

    def _doc_to_nlp_artifact(self, words: list[Any], language: str) -> list[str]:
        return [word.lemma_ for word in words]


class Pipeline:
    max_length = 0

    def __call__(self, text: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(lower_=word.lower(), lemma_="") for word in text.split()]


def blank(language: str) -> Pipeline:
    if language != "en":
        raise ImportError(f"no language {language}")
    return Pipeline()


@pytest.fixture(autouse=True)
def packages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In place of the packages, whether they are installed or not."""
    parts: dict[str, dict[str, Any]] = {
        "spacy": {"blank": blank, "util": SimpleNamespace(is_package=lambda name: name == "installed")},
        "presidio_analyzer": {
            "AnalyzerEngine": Analyzer,
            "RecognizerRegistry": Registry,
            "RecognizerResult": SimpleNamespace,
        },
        "presidio_analyzer.nlp_engine": {"NlpArtifacts": list, "SpacyNlpEngine": SpacyEngine},
    }
    for name, names in parts.items():
        module = ModuleType(name)
        vars(module).update(names)
        monkeypatch.setitem(sys.modules, name, module)
    sys.modules.pop(ADAPTER, None)
    yield
    sys.modules.pop(ADAPTER, None)


def opened(**given: Any) -> Redactor:
    return redactor(Settings(redaction=RedactionSettings(engine=RedactionEngine.PRESIDIO, **given)))


def test_presidio_looks_at_what_the_patterns_leave() -> None:
    made = opened().redact(b'{"a":"Ann Lee, ann@example.com, and Ann Lee"}')
    assert made == b'{"a":"[PERSON], [EMAIL], and [PERSON]"}'
    assert [asked["text"] for asked in Analyzer.asked] == ["Ann Lee, ", ", and Ann Lee"]
    assert opened().redact(made) == made


def test_findings_that_overlap_are_one() -> None:
    assert opened().redact(b"ask Ann Lee in Ulm now") == b"ask [PERSON] now"


def test_settings_reach_presidio() -> None:
    opened(score_threshold=0.7, entities=(PLACE,)).redact(b"Ann Lee in Ulm")
    (asked,) = Analyzer.asked
    assert (asked["entities"], asked["least"], asked["language"]) == ([PLACE], 0.7, "en")
    assert opened(score_threshold=0.7, entities=(PLACE,)).redact(b"Ann Lee in Ulm") == b"Ann Lee in Ulm"


def test_moments_are_asked_for_only_by_name() -> None:
    opened().redact(b"x y")
    assert Analyzer.asked[0]["entities"] == [PLACE, PERSON]
    opened(entities=(DATE,)).redact(b"x y")
    assert Analyzer.asked[0]["entities"] == [DATE]


def test_a_word_is_its_own_lemma_without_a_model() -> None:
    import aftertune.redaction.presidio as adapter

    engine = adapter._WithoutModel("en")
    engine.load()
    assert list(engine.process_text("Passport Number", "en")) == ["passport", "number"]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"language": "xx"}, "no language 'xx'"),
        ({"spacy_model": "missing"}, "'missing' is not installed"),
        ({"entities": ("NAME",)}, "Known: DATE_TIME, LOCATION, PERSON"),
    ],
)
def test_what_is_not_there_is_said(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint) as raised:
        opened(**given)
    assert raised.value.exit_code == 2


def test_an_installed_model_is_taken() -> None:
    assert opened(spacy_model="installed").redact(b"Ann Lee") == b"[PERSON]"


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises(BadInput, match=r"aftertune\[redaction\]") as raised:
        opened()
    assert raised.value.exit_code == 2
    assert not isinstance(raised.value, UnknownName)


def test_a_fault_in_presidio_lets_nothing_through(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = opened()

    def analyze(*given: Any, **named: Any) -> None:
        raise ValueError(given)

    monkeypatch.setattr(Analyzer, "analyze", analyze)
    assert broken.redact(b"Ann Lee") == FAULT
