"""A persona's traits as numbers, by whoever saw them: rules, judges, or probes. Made for the cards of a suite."""

from collections.abc import Callable, Mapping

from aftertune.values.evaluation import Judgement
from evals.persona.card import PersonaCard, Trait
from evals.persona.probing import NOT_MEASURABLE, PROBE, VOICE
from evals.persona.rules import applies, is_shown
from evals.scorers.judged import about, verdict
from evals.scorers.scorer import Given, Scorer, Scores, scorer
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample
from evals.suite.scoring import Persona

RULES, JUDGED, PROBED = "persona.rules", "persona.judged", "persona.probed"
JUDGED_PREFIX, PROBED_PREFIX = "judged_", "probed_"
PERSONA, JUDGED_PERSONA, PROBED_PERSONA = "persona", "judged_persona", "probed_persona"
PROBED_VOICE = f"{PROBED_PREFIX}{VOICE}"

Personas = Mapping[str, PersonaCard]
Traits = Callable[[PersonaCard], tuple[Trait, ...]]


def persona_rules(personas: Personas) -> Scorer:
    """`persona` is 1 when every trait with a rule that applies is there. A tool call in place of an answer shows none."""

    @scorer(
        RULES,
        version="1",
        kinds=("persona",),
        metrics=(
            Metric(PERSONA, "of all samples: every trait that a rule can see is there"),
            *_metrics(personas, _ruled, "", lambda trait: trait.meaning, Kind.SHARE),
        ),
    )
    def score(sample: Sample, given: Given) -> Scores:
        persona = _persona(sample, personas)
        if persona is None:
            return {PERSONA: None}
        spoke, said = not given.answer.tool_calls, given.answer.text
        shown = {
            trait.name: float(spoke and is_shown(trait.rule, said, sample, persona, personas))
            for trait in _ruled(persona)
            if trait.rule is not None and applies(trait.rule, sample, personas)
        }
        return {PERSONA: min(shown.values(), default=None), **shown}

    return score


def persona_judged(personas: Personas) -> Scorer:
    """`judged_persona` is the mean of the persona's judged traits; it is unmeasured when one of them is."""

    @scorer(
        JUDGED,
        version="1",
        kinds=("persona",),
        judged=True,
        metrics=(
            Metric(JUDGED_PERSONA, "mean of the persona's traits, by judges", kind=Kind.MEAN),
            *_metrics(
                personas,
                PersonaCard.asked,
                JUDGED_PREFIX,
                lambda trait: f"judges: {trait.question}",
                Kind.MEAN,
            ),
        ),
    )
    def score(sample: Sample, given: Given) -> Scores:
        persona = _persona(sample, personas)
        asked = persona.asked() if persona else ()
        said = [each for each in given.judgements if not each.judge.startswith(PROBE.strip())]
        values = {f"{JUDGED_PREFIX}{trait.name}": verdict(about(trait.name, said)) for trait in asked}
        return {JUDGED_PERSONA: _mean(list(values.values())), **values}

    return score


def persona_probed(personas: Personas) -> Scorer:
    """`probed_persona` is the mean of those traits that the probes can tell; a trait that they cannot has no number.

    `probed_voice` says whether the answer sounds like the persona that was asked for, not like another of the suite.
    """
    voice = (
        (Metric(PROBED_VOICE, "of all samples: the answer is nearest to the persona that was asked for"),)
        if len(personas) > 1
        else ()
    )

    @scorer(
        PROBED,
        version="1",
        kinds=("persona",),
        judged=True,
        metrics=(
            Metric(PROBED_PERSONA, "mean of the persona's traits that probes can tell", kind=Kind.MEAN),
            *voice,
            *_metrics(
                personas,
                PersonaCard.probed,
                PROBED_PREFIX,
                lambda trait: f"mean probability of the trait {trait.name}, by a probe on embeddings",
                Kind.MEAN,
            ),
        ),
    )
    def score(sample: Sample, given: Given) -> Scores:
        persona = _persona(sample, personas)
        said = [each for each in given.judgements if each.judge.startswith(PROBE.strip())]
        by_trait = {trait.name: about(trait.name, said) for trait in (persona.probed() if persona else ())}
        values = {name: verdict(found) for name, found in by_trait.items()}
        told = [values[name] for name, found in by_trait.items() if not _is_blind(found)]
        scores: dict[str, float | None] = {PROBED_PERSONA: _mean(told)}
        if voice:
            scores[PROBED_VOICE] = verdict(about(VOICE, said))
        return {**scores, **{f"{PROBED_PREFIX}{name}": value for name, value in values.items()}}

    return score


def _metrics(
    personas: Personas, traits: Traits, prefix: str, meaning: Callable[[Trait], str], kind: Kind
) -> list[Metric]:
    """One for each trait, of all personas that have it."""
    found: dict[str, Trait] = {}
    for persona in personas.values():
        for trait in traits(persona):
            found.setdefault(trait.name, trait)
    return [
        Metric(f"{prefix}{name}", meaning(trait), kind=kind, applies=_has(name, personas, traits))
        for name, trait in found.items()
    ]


def _has(name: str, personas: Personas, traits: Traits) -> Callable[[Sample], bool]:
    def has(sample: Sample) -> bool:
        persona = _persona(sample, personas)
        return persona is not None and any(
            trait.name == name and (traits is not _ruled or _counts(trait, sample, personas))
            for trait in traits(persona)
        )

    return has


def _ruled(persona: PersonaCard) -> tuple[Trait, ...]:
    return tuple(trait for trait in persona.traits if trait.rule is not None)


def _counts(trait: Trait, sample: Sample, personas: Personas) -> bool:
    return trait.rule is not None and applies(trait.rule, sample, personas)


def _persona(sample: Sample, personas: Personas) -> PersonaCard | None:
    return personas.get(sample.scoring.persona) if isinstance(sample.scoring, Persona) else None


def _is_blind(judgements: list[Judgement]) -> bool:
    return bool(judgements) and all(each.reason.startswith(NOT_MEASURABLE) for each in judgements)


def _mean(values: list[float | None]) -> float | None:
    """None when one is unmeasured, or there are none."""
    measured = [value for value in values if value is not None]
    return sum(measured) / len(measured) if measured and len(measured) == len(values) else None
