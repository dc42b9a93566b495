"""The scorers, by the name that a suite's card gives."""

from collections.abc import Mapping
from types import MappingProxyType

from evals.scorers.choice import choice
from evals.scorers.consistency.runs import consistency
from evals.scorers.consistency.variance import judged_consistency
from evals.scorers.conversation import conversation
from evals.scorers.critical_terms import critical_terms
from evals.scorers.exact_match import exact_match
from evals.scorers.final_number import final_number
from evals.scorers.instructions import instructions
from evals.scorers.labels.labels import labels
from evals.scorers.loss import loss
from evals.scorers.refusal import refusal_rules
from evals.scorers.retrieval import retrieval_grounded
from evals.scorers.scorer import Scorer
from evals.scorers.search import search
from evals.scorers.served import served
from evals.scorers.skills import skills
from evals.scorers.stated_answer import stated_answer
from evals.scorers.text.bleu import bleu
from evals.scorers.text.chrf import chrf
from evals.scorers.text.exact import exact_text
from evals.scorers.text.rouge import rouge, rouge_unicode
from evals.scorers.text.similarity import similarity
from evals.scorers.tool_calls import tool_calls_bfcl, tool_calls_strict

__all__ = ["SCORERS", "Scorer"]

_ALL: tuple[Scorer, ...] = (
    tool_calls_strict,
    tool_calls_bfcl,
    conversation,
    exact_match,
    choice,
    final_number,
    instructions,
    skills,
    stated_answer,
    labels,
    consistency,
    judged_consistency,
    critical_terms,
    bleu,
    chrf,
    rouge,
    rouge_unicode,
    exact_text,
    similarity,
    refusal_rules,
    retrieval_grounded,
    loss,
    search,
    served,
)

SCORERS: Mapping[str, Scorer] = MappingProxyType({scorer.name: scorer for scorer in _ALL})
