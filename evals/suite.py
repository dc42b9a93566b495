"""Suites as folders: card.yaml says what is measured and what must hold, samples.jsonl holds the questions."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import rfc8785
import yaml
from pydantic import Field, ValidationError, model_validator

from aftertune.errors import BadInput, UnknownName
from aftertune.values.evaluation import Bound, SuiteCard
from aftertune.values.value import Value
from evals.sample import Sample
from evals.scorers import Scorer, find_scorer

SUITES = Path(__file__).parent / "suites"

V = TypeVar("V", bound=Value)


class GateCard(Value):
    """A limit that the lower end of a 95 % interval must not fall below."""

    metric: str
    bound: Bound
    limit: float = Field(ge=-1, le=1)

    def in_words(self) -> str:
        subject = (
            f"{self.metric}: the lower end of its 95 % interval"
            if self.bound is Bound.SCORE_LOW
            else f"{self.metric}: the lower end of the 95 % interval of its difference from the base"
        )
        return f"{subject} is at least {self.limit:g}"


class JudgedMetric(Value):
    """A yes-or-no question that a judge model answers about each answer. It is reported and never gates."""

    metric: str
    definition: str


class Card(Value):
    """card.yaml."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: str
    description: str
    licence: str
    scorer: str
    tools: str = Field(default="", description="file of the OpenAI tools list, beside the suites' folders")
    max_tokens: int = Field(ge=1, description="of one answer")
    seed: int = Field(description="that the samples were drawn with")
    compares_with_base: bool = False
    gates: tuple[GateCard, ...] = Field(min_length=1)
    judged: JudgedMetric | None = None

    @model_validator(mode="after")
    def _differences_need_a_base(self) -> "Card":
        if not self.compares_with_base and any(g.bound is Bound.DIFFERENCE_LOW for g in self.gates):
            raise ValueError("a gate on a difference needs compares_with_base: true")
        return self


class Suite(NamedTuple):
    """A card with its questions. `dataset` is the SHA-256 over tools and samples, in order."""

    card: Card
    scorer: Scorer
    samples: tuple[Sample, ...]
    tools: tuple[dict[str, Any], ...]
    dataset: str

    def tools_for(self, sample: Sample) -> tuple[dict[str, Any], ...]:
        return self.tools if sample.tools else ()

    def as_offered(self) -> SuiteCard:
        return SuiteCard(
            name=self.card.name,
            version=self.card.version,
            description=self.card.description,
            samples=len(self.samples),
            dataset=self.dataset,
            licence=self.card.licence,
            gates=tuple(gate.in_words() for gate in self.card.gates),
            compares_with_base=self.card.compares_with_base,
        )


def load_suites(folder: Path = SUITES) -> Mapping[str, Suite]:
    """Every folder in it, by name. Raises BadInput that names the file, and the line where there is one."""
    suites = [load_suite(card.parent) for card in sorted(folder.glob("*/card.yaml"))]
    return {suite.card.name: suite for suite in suites}


def load_suite(folder: Path) -> Suite:
    """Raises BadInput or UnknownName."""
    card = _validated(Card, _card(folder / "card.yaml"), str(folder / "card.yaml"))
    if card.name != folder.name:
        raise BadInput(f"{folder / 'card.yaml'} names the suite {card.name!r}.", f"Name it {folder.name!r}.")
    scorer = find_scorer(card.scorer)
    samples = _samples(folder / "samples.jsonl", scorer)
    tools = _tools(folder.parent / card.tools) if card.tools else ()
    gated = {metric for sample in samples for metric in scorer.expects(sample)}
    for gate in card.gates:
        if gate.metric not in gated:
            raise UnknownName(f"metric of a gate in {folder / 'card.yaml'}", gate.metric, gated)
    return Suite(card, scorer, samples, tools, _digest(samples, tools))


def _card(file: Path) -> Any:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"{file} cannot be read: {error}.") from None


def _samples(file: Path, scorer: Scorer) -> tuple[Sample, ...]:
    found: dict[str, Sample] = {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} cannot be read: {error}.") from None
    for number, line in enumerate(lines, 1):
        where = f"Line {number} of {file}"
        try:
            sample = _validated(Sample, json.loads(line), where)
        except json.JSONDecodeError as error:
            raise BadInput(f"{where} is no JSON: {error}.") from None
        if sample.id in found:
            raise BadInput(f"{where} has the id {sample.id!r} again.", "Ids are unique in a suite.")
        if not scorer.expects(sample):
            raise BadInput(f"{where} holds nothing that the scorer {scorer.name} can score.")
        found[sample.id] = sample
    if not found:
        raise BadInput(f"{file} holds no samples.")
    return tuple(found.values())


def _tools(file: Path) -> tuple[dict[str, Any], ...]:
    try:
        tools = json.loads(file.read_text(encoding="utf-8"))
        named = isinstance(tools, list) and all(tool["function"]["name"] for tool in tools)
    except (OSError, ValueError) as error:
        raise BadInput(f"{file} cannot be read: {error}.") from None
    except (TypeError, KeyError):
        named = False
    if not named:
        raise BadInput(f"{file} is no OpenAI tools list.")
    return tuple(tools)


def _validated(kind: type[V], raw: Any, where: str) -> V:
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{where} is wrong at {name or 'its top'}: {first['msg']}.") from None


def _digest(samples: Sequence[Sample], tools: Sequence[Mapping[str, Any]]) -> str:
    digest = hashlib.sha256(rfc8785.dumps([dict(tool) for tool in tools]))
    for sample in samples:
        digest.update(rfc8785.dumps(sample.model_dump(mode="json")))
    return digest.hexdigest()
