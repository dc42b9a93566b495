"""Suites as folders: card.yaml, samples.jsonl, and where they have them tools.json and a scorer.py of their own."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import rfc8785
import yaml

from aftertune.errors import BadInput, UnknownName
from aftertune.values.evaluation import Better, Forecast, SuiteCard
from aftertune.values.value import Value
from evals.asking import find_way
from evals.harness.forecast import forecast
from evals.judging.calibration import Calibration, load_calibrations
from evals.persona.card import PersonaCard, load_personas
from evals.scorers.made import scorer_for
from evals.scorers.own import own_scorer
from evals.scorers.scorer import Scorer
from evals.suite.card import Card, JudgeQuestion
from evals.suite.choices import KINDS as CHOICES
from evals.suite.document import Document
from evals.suite.metric import Metric
from evals.suite.sample import Sample
from evals.suite.scoring import Persona
from evals.suite.validated import validated

SUITES = Path(__file__).parents[1] / "suites"
OWN_SCORER = "scorer.py"

Identified = TypeVar("Identified", Sample, Document)


class Suite(NamedTuple):
    """A card with its questions. `dataset` is the SHA-256 over tools, personas, documents and samples, in order."""

    card: Card
    scorers: tuple[Scorer, ...]
    samples: tuple[Sample, ...]
    tools: tuple[dict[str, Any], ...]
    dataset: str
    personas: Mapping[str, PersonaCard] = MappingProxyType({})
    calibrations: tuple[Calibration, ...] = ()
    documents: tuple[Document, ...] = ()

    def tools_for(self, sample: Sample) -> tuple[dict[str, Any], ...]:
        if isinstance(sample.tools, tuple):
            return sample.tools
        return self.tools if sample.tools else ()

    def metrics(self) -> Iterator[tuple[Scorer, Metric]]:
        """Every metric that the samples can have, in the order of a report."""
        for scorer in self.scorers:
            for metric in scorer.metrics_of(self.samples):
                yield scorer, metric

    def expects(self, sample: Sample) -> tuple[Metric, ...]:
        """The metrics that the sample counts for whatever is answered."""
        return tuple(metric for scorer in self.scorers for metric in scorer.expects(sample))

    def tasks_of(self, scorer: Scorer, metric: Metric) -> list[str]:
        """The tasks that have a number of their own; a single one, which is the whole, has none beside it."""
        if not self.card.by_task:
            return []
        tasks = {sample.task for sample in self.samples if metric in scorer.counts(sample)}
        return sorted(tasks - {""}) if len(tasks) > 1 else []

    def questions_about(self, sample: Sample) -> tuple[JudgeQuestion, ...]:
        """What judges are asked about each answer to the sample; a trait under its own name."""
        card = self.card.judge
        if card is None:
            return ()
        persona = self.personas.get(sample.scoring.persona) if isinstance(sample.scoring, Persona) else None
        traits = persona.asked() if card.traits and persona else ()
        return (*card.questions, *(trait.for_judges() for trait in traits))

    def cluster_of(self, sample: Sample) -> str:
        """Samples with equal clusters are not independent of each other; without a cluster each stands for itself."""
        return _field(sample, self.card.cluster) if self.card.cluster else sample.id

    def forecast(self, releases: int) -> Forecast:
        return forecast(self.card, self.samples, self.tools_for, self.questions_about, releases=releases)

    def as_offered(self) -> SuiteCard:
        return SuiteCard(
            name=self.card.name,
            version=self.card.version,
            description=self.card.description,
            samples=len(self.samples),
            dataset=self.dataset,
            licence=self.card.licence,
            gates=tuple(gate.in_words() for gate in self.card.gates),
            baselines=self.card.baselines,
            forecast=self.forecast(releases=1),
        )


def load_suites(*folders: Path) -> Mapping[str, Suite]:
    """Every suite in these folders, by default ours, by name. Raises BadInput that names the file, and the line where there is one."""
    found: dict[str, Suite] = {}
    for folder in folders or (SUITES,):
        for card in sorted(folder.glob("*/card.yaml")):
            suite = load_suite(card.parent)
            if suite.card.name in found:
                raise BadInput(f"{card} offers the suite {suite.card.name} again.", "Names are unique.")
            found[suite.card.name] = suite
    return found


def load_suite(folder: Path) -> Suite:
    """Raises BadInput or UnknownName."""
    file = folder / "card.yaml"
    card = validated(Card, _card(file), str(file))
    if card.name != folder.name:
        raise BadInput(f"{file} names the suite {card.name!r}.", f"Name it {folder.name!r}.")
    own, personas = own_scorer(folder / OWN_SCORER), load_personas(folder, card.personas)
    scorers = tuple(
        own if own and own.name == name else scorer_for(name, card, personas) for name in card.scorers
    )
    samples = read_samples(folder / "samples.jsonl")
    tools = _tools(folder, card.tools) if card.tools else ()
    documents = _rows(Document, folder / card.documents) if card.documents else ()
    dataset, known = _digest(samples, tools, personas, documents), load_calibrations(folder)
    suite = Suite(card, scorers, samples, tools, dataset, personas, known, documents)
    _check(suite, folder)
    return suite


def read_samples(file: Path) -> tuple[Sample, ...]:
    """Raises BadInput that names the line."""
    return _rows(Sample, file)


def _rows(kind: type[Identified], file: Path) -> tuple[Identified, ...]:
    found: dict[str, Identified] = {}
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} cannot be read: {error}.") from None
    for number, line in enumerate(lines[:-1] if lines[-1] == "" else lines, 1):
        where = f"Line {number} of {file}"
        try:
            raw = json.loads(line)
            rfc8785.dumps(raw)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{where} is no JSON: {error}.") from None
        row = validated(kind, raw, where)
        if row.id in found:
            raise BadInput(f"{where} has the id {row.id!r} again.", "Ids are unique in a suite.")
        found[row.id] = row
    if not found:
        raise BadInput(f"{file} holds no {kind.__name__.lower()}s.")
    return tuple(found.values())


def _check(suite: Suite, folder: Path) -> None:
    find_way(suite.card.ask.how)
    names = [metric.name for scorer in suite.scorers for metric in scorer.metrics]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadInput(f"Two scorers of {folder / 'card.yaml'} have the metric {min(twice)!r}.")
    for number, sample in enumerate(suite.samples, 1):
        where = f"Line {number} of {folder / 'samples.jsonl'}"
        if sample.scoring.kind in CHOICES and not sample.messages:
            raise BadInput(f"{where} asks nothing.", "Give it a message, after which the choices are listed.")
        if not _expects(suite, sample, where):
            scored = ", ".join(suite.card.scorers)
            raise BadInput(f"{where} is of kind {sample.scoring.kind}, which {scored} cannot score.")
        if isinstance(sample.scoring, Persona) and sample.scoring.persona not in suite.personas:
            raise UnknownName(
                f"persona in line {number} of {folder / 'samples.jsonl'}",
                sample.scoring.persona,
                suite.personas,
            )
        if suite.card.cluster and not _field(sample, suite.card.cluster):
            raise BadInput(f"{where} has no {suite.card.cluster}, by which the card clusters.")
    _check_limits(suite, folder / "card.yaml")


def _expects(suite: Suite, sample: Sample, where: str) -> tuple[Metric, ...]:
    """Raises BadInput when a scorer, which may be the suite's own, cannot say what it counts."""
    try:
        return suite.expects(sample)
    except Exception as error:
        raise BadInput(
            f"{where}: a metric's `applies` failed: {type(error).__name__}: {error}.",
            "It is asked about every sample of the suite, and says True or False.",
        ) from error


def _check_limits(suite: Suite, card: Path) -> None:
    """A gate or budget stands on a metric that there is, and a gate on the end of its interval that is worse."""
    known = {
        name: metric
        for scorer, metric in suite.metrics()
        if not metric.reached
        for name in (metric.name, *(f"{metric.name}/{task}" for task in suite.tasks_of(scorer, metric)))
    }
    wanted = [gate.metric for gate in suite.card.gates]
    if budget := suite.card.budget:
        wanted += [f"{budget.metric}/{task}" for task in budget.margins]
    for name in wanted:
        if name not in known:
            raise UnknownName(f"metric of a gate or budget in {card}", name, known)
    for gate in suite.card.gates:
        if gate.bound.is_low is not (known[gate.metric].better is Better.HIGHER):
            raise BadInput(
                f"The gate on {gate.metric} in {card} stands on {gate.bound}, the end that is better for a release.",
                f"Of {gate.metric} {known[gate.metric].better} is better: take the other end.",
            )


def _field(sample: Sample, path: str) -> str:
    found: Any = sample
    for part in path.split("."):
        if isinstance(found, Value):
            found = getattr(found, part, None) if part in type(found).model_fields else None
        else:
            found = found.get(part) if isinstance(found, Mapping) else None
    return "" if found is None else str(found)


def _card(file: Path) -> Any:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"{file} cannot be read: {error}.") from None


def _tools(folder: Path, name: str) -> tuple[dict[str, Any], ...]:
    file = folder / name if (folder / name).exists() else folder.parent / name
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


def _digest(
    samples: Sequence[Sample],
    tools: Sequence[Mapping[str, Any]],
    personas: Mapping[str, PersonaCard],
    documents: Sequence[Document],
) -> str:
    digest = hashlib.sha256(rfc8785.dumps([dict(tool) for tool in tools]))
    for value in (*personas.values(), *documents, *samples):
        digest.update(rfc8785.dumps(value.model_dump(mode="json")))
    return digest.hexdigest()
