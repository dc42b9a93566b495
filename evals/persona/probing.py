"""Traits measured without a judge: each sentence is embedded, and probes on the card's exemplars say how likely a trait is.

What a probe says is kept as judgements, so that a stored run is scored again without the encoder.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import rfc8785

from aftertune.errors import AftertuneError
from aftertune.values.evaluation import Answer, Judgement
from evals.persona.card import PersonaCard, Trait
from evals.persona.probe import RIDGE, Probe, Vectors, fit, nearest
from evals.persona.sentences import sentences
from evals.suite.sample import Sample
from evals.suite.scoring import Persona

if TYPE_CHECKING:
    from evals.judging.bench import Bench

VERSION = "1"
PROBE = "probe "
"""Begins the judge's name of every judgement by a probe; the encoder's name follows."""

BATCH = 128
"""Texts that an encoder is asked for at once."""

VOICE = "voice"
"""The question whose answer is the persona that an answer sounds like: 1 where it is the one that was asked for."""

NOT_MEASURABLE = "not measurable for this trait: "
"""Begins the reason where a probe cannot tell the trait, whatever is said."""

NO_ENCODER = "no encoder is configured"

Personas = Mapping[str, PersonaCard]


async def probed(
    personas: Personas, sample: Sample, answer: Answer, index: int, bench: "Bench"
) -> list[Judgement]:
    """Raises nothing but a cancellation: what cannot be embedded is unmeasured."""
    persona = personas.get(sample.scoring.persona) if isinstance(sample.scoring, Persona) else None
    if persona is None:
        return []
    name = f"{PROBE}{bench.encoder.name}" if bench.encoder else PROBE.strip()
    about = {
        trait.name: _blank(trait.name, digest(persona, trait), name, index) for trait in persona.probed()
    }
    if len(personas) > 1:
        about[VOICE] = _blank(VOICE, _voices_digest(personas), name, index)
    if bench.encoder is None:
        return [_failed(each, NO_ENCODER) for each in about.values()]
    pieces = () if answer.tool_calls else sentences(answer.text)
    if not pieces:
        return [_failed(each, "the answer holds no sentence to measure") for each in about.values()]
    try:
        async with bench.fitting:
            await _fit_all(personas, bench)
        vectors = np.array(await bench.encoder.engine.embed([*pieces, answer.text]), dtype=np.float64)
    except (AftertuneError, ValueError, np.linalg.LinAlgError) as error:
        return [_failed(each, f"the encoder did not measure it: {error}"[:300]) for each in about.values()]
    if len(vectors) != len(pieces) + 1 or not np.isfinite(vectors).all():
        return [_failed(each, "the encoder's vectors are not numbers") for each in about.values()]
    found = [
        each
        for trait in persona.probed()
        for each in _measured(trait, bench.probes[persona.name][trait.name], vectors, about[trait.name])
    ]
    if VOICE in about:
        found.append(_voice(personas, persona, vectors[-1], bench, about[VOICE]))
    return found


def digest(persona: PersonaCard, trait: Trait) -> str:
    """SHA-256 of what the probe is fitted on and how."""
    pairs = [[pair.shown, pair.not_shown] for pair in trait.exemplars]
    said: list[Any] = [VERSION, RIDGE, persona.name, trait.name, trait.sentences, pairs]
    return hashlib.sha256(rfc8785.dumps(said)).hexdigest()


def voice_exemplars(persona: PersonaCard) -> tuple[str, ...]:
    """How the persona sounds: every exemplar that shows one of its traits."""
    return tuple(pair.shown for trait in persona.probed() for pair in trait.exemplars)


async def _fit_all(personas: Personas, bench: "Bench") -> None:
    """Once a run: the exemplars of all cards are embedded, and a probe is fitted for each trait."""
    if bench.probes:
        return
    assert bench.encoder is not None
    texts = sorted({text for card in personas.values() for trait in card.probed() for text in _texts(trait)})
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    vectors = [vector for batch in batches for vector in await bench.encoder.engine.embed(batch)]
    embedded = np.array(vectors, dtype=np.float64)
    if embedded.ndim != 2 or len(embedded) != len(texts) or not np.isfinite(embedded).all():
        raise ValueError("its vectors of the exemplars are not numbers")
    place = {text: row for row, text in enumerate(texts)}

    def rows(wanted: Sequence[str]) -> Vectors:
        return embedded[[place[text] for text in wanted]]

    bench.voices.update(
        {card.name: rows(voice_exemplars(card)) for card in personas.values() if card.probed()}
    )
    bench.probes.update(
        {
            card.name: {
                trait.name: fit(
                    rows([pair.shown for pair in trait.exemplars]),
                    rows([pair.not_shown for pair in trait.exemplars]),
                )
                for trait in card.probed()
            }
            for card in personas.values()
        }
    )


def _texts(trait: Trait) -> list[str]:
    return [text for pair in trait.exemplars for text in (pair.shown, pair.not_shown)]


def _measured(trait: Trait, probe: Probe, vectors: Vectors, blank: Judgement) -> list[Judgement]:
    """The last row of `vectors` is the whole answer, the others are its sentences."""
    if probe.refusal:
        return [_failed(blank, f"{NOT_MEASURABLE}{probe.refusal}")]
    quality = f"left-out exemplars: {probe.quality.accuracy:.2f} right of {2 * probe.quality.pairs}"
    rows = vectors[:-1] if trait.sentences else vectors[-1:]
    return [
        blank.model_copy(
            update={
                "value": float(value),
                "reply": quality if number == 0 else "",
                "sentence": number if trait.sentences else None,
            }
        )
        for number, value in enumerate(probe.probability(rows))
    ]


def _voice(
    personas: Personas, persona: PersonaCard, vector: Vectors, bench: "Bench", blank: Judgement
) -> Judgement:
    names = [name for name in personas if name in bench.voices]
    if persona.name not in names or len(names) < len(personas):
        return _failed(blank, f"{NOT_MEASURABLE}a persona has no exemplars")
    heard = names[nearest(vector, [bench.voices[name] for name in names])]
    return blank.model_copy(update={"value": float(heard == persona.name), "reply": heard})


def _voices_digest(personas: Personas) -> str:
    said: list[Any] = [VERSION, *([card.name, list(voice_exemplars(card))] for card in personas.values())]
    return hashlib.sha256(rfc8785.dumps(said)).hexdigest()


def _blank(question: str, prompt: str, judge: str, index: int) -> Judgement:
    return Judgement(question=question, judge=judge, prompt=prompt, answer=index, value=None)


def _failed(blank: Judgement, reason: str) -> Judgement:
    return blank.model_copy(update={"reason": reason})
