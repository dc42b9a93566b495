"""Scorers that are made for a suite: their metrics are the questions of its card, and the traits of its personas."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from aftertune.errors import BadInput, UnknownName
from evals.judging.ragas_metrics import METRICS as RAGAS
from evals.persona.card import PersonaCard
from evals.scorers import SCORERS
from evals.scorers.judged import QUESTIONS, RETRIEVAL, judged_questions, retrieval_ragas
from evals.scorers.persona import JUDGED, PROBED, RULES, persona_judged, persona_probed, persona_rules
from evals.scorers.scorer import Scorer
from evals.suite.card import Card, JudgeCard

Personas = Mapping[str, PersonaCard]

FROM_CARD: Mapping[str, Callable[[JudgeCard], Scorer]] = MappingProxyType(
    {QUESTIONS: judged_questions, RETRIEVAL: retrieval_ragas}
)
FROM_PERSONAS: Mapping[str, Callable[[Personas], Scorer]] = MappingProxyType(
    {RULES: persona_rules, JUDGED: persona_judged, PROBED: persona_probed}
)


def scorer_for(name: str, card: Card, personas: Personas) -> Scorer:
    """Raises UnknownName, and BadInput when the suite lacks what the scorer is made from."""
    if name in FROM_CARD:
        judge = _asked(name, card, "ragas" if name == RETRIEVAL else "questions")
        for metric in judge.ragas:
            if metric not in RAGAS:
                raise UnknownName("metric of ragas", metric, RAGAS)
        return FROM_CARD[name](judge)
    if name in FROM_PERSONAS:
        if not personas:
            raise BadInput(f"The scorer {name} needs a persona.", "Add one to the suite's folder personas.")
        if name != RULES:
            _asked(name, card, "traits" if name == JUDGED else "probes")
        return FROM_PERSONAS[name](personas)
    if name not in SCORERS:
        raise UnknownName("scorer", name, (*SCORERS, *FROM_CARD, *FROM_PERSONAS))
    return SCORERS[name]


def _asked(name: str, card: Card, wanted: str) -> JudgeCard:
    if card.judge is None or not getattr(card.judge, wanted):
        raise BadInput(f"The scorer {name} of {card.name} reads judge.{wanted}.", "Set it in the card.")
    return card.judge
