"""Terms that must survive to the letter: torques, quantities, units, part numbers, codes, and steps in their order.

A term is kept when its text, or one of the spellings that the sample lists, stands in the answer as a whole: `10 Nm` is
not in `110 Nm`, `10 Nm/s` or `10.10 Nm`, and `TX-15` is not in `TX-15A` or `TX-15-2`. Nothing is converted: 10 Nm and
7.4 lbf·ft are the same torque and different terms. Only steps are read regardless of case; they are sentences.
"""

import re
import unicodedata
from collections.abc import Sequence

from evals.scorers.scorer import Given, Scores, scorer
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample
from evals.suite.scoring import CriticalTerms, Term

KEPT = "terms_kept"
ALL_KEPT = "all_terms_kept"
IN_ORDER = "steps_in_order"
NOTHING_FORBIDDEN = "no_forbidden_term"
KINDS = ("torque", "quantity", "unit", "part", "step", "code")

_BEFORE = r"(?<![^\W_])(?<![^\W_][-−–./·_^])(?<!\d,(?=\d))(?<![-−–+±·/^])"
"""Not inside a longer word, number or part number, and no sign before it."""

_AFTER = r"(?![^\W_]|[-−–/·*^_×](?=[^\W_])|\.(?=[^\W_])|,(?=\d)|[²³⁻°])"
"""A part number does not go on after a dash, nor a unit after a stroke or dot, nor a number after its point."""

_STEP_BEFORE, _STEP_AFTER = r"(?<![^\W_])", r"(?![^\W_])"


def _has(kind: str) -> Metric:
    def applies(sample: Sample) -> bool:
        return any(term.kind == kind for term in _wanted(sample).terms)

    return Metric(
        f"kept_{kind}",
        f"mean over samples: share of terms of the kind {kind} that the answer holds exactly",
        Kind.MEAN,
        applies=applies,
    )


def _has_steps(sample: Sample) -> bool:
    return any(term.kind == "step" for term in _wanted(sample).terms)


def _has_forbidden(sample: Sample) -> bool:
    return bool(_wanted(sample).forbidden)


@scorer(
    "critical_terms",
    version="1",
    kinds=("critical_terms",),
    metrics=(
        Metric(KEPT, "mean over samples: share of terms that the answer holds exactly", Kind.MEAN),
        Metric(ALL_KEPT, "of all samples: every term is kept, steps in order, and no forbidden one is there"),
        Metric(IN_ORDER, "of samples with steps: every step is there, in order", applies=_has_steps),
        Metric(
            NOTHING_FORBIDDEN,
            "of samples with forbidden terms: the answer holds none of them",
            applies=_has_forbidden,
        ),
        *(_has(kind) for kind in KINDS),
    ),
)
def critical_terms(sample: Sample, given: Given) -> Scores:
    """A tool call keeps no terms."""
    wanted = _wanted(sample)
    said = "" if given.answer.tool_calls else _folded(given.answer.text)
    kept = {index: _holds(said, term) for index, term in enumerate(wanted.terms)}
    steps = [term for term in wanted.terms if term.kind == "step"]
    in_order = not steps or _in_order(said, steps)
    clean = not any(_holds(said, term) for term in wanted.forbidden)
    scores: dict[str, float] = {
        KEPT: sum(kept.values()) / len(kept),
        ALL_KEPT: float(all(kept.values()) and in_order and clean),
    }
    if steps:
        scores[IN_ORDER] = float(in_order)
    if wanted.forbidden:
        scores[NOTHING_FORBIDDEN] = float(clean)
    for kind in KINDS:
        of_kind = [kept[index] for index, term in enumerate(wanted.terms) if term.kind == kind]
        if of_kind:
            scores[f"kept_{kind}"] = sum(of_kind) / len(of_kind)
    return scores


def _wanted(sample: Sample) -> CriticalTerms:
    assert isinstance(sample.scoring, CriticalTerms)
    return sample.scoring


def _folded(text: str) -> str:
    """Letters are composed, and one blank is as good as another, a narrow or unbreakable one too."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _holds(said: str, term: Term) -> bool:
    return _pattern(term).search(said) is not None


def _in_order(said: str, steps: Sequence[Term]) -> bool:
    """The first place after the step before is the best there can be for those that follow."""
    start = 0
    for step in steps:
        places = [found.end() for pattern in _each(step) if (found := pattern.search(said, start))]
        if not places:
            return False
        start = min(places)
    return True


def _pattern(term: Term) -> re.Pattern[str]:
    return _compiled("|".join(_alternatives(term)), term.kind == "step")


def _each(term: Term) -> list[re.Pattern[str]]:
    return [_compiled(alternative, term.kind == "step") for alternative in _alternatives(term)]


def _alternatives(term: Term) -> list[str]:
    return [re.escape(_folded(spelling)) for spelling in (term.text, *term.spellings)]


def _compiled(alternatives: str, is_step: bool) -> re.Pattern[str]:
    before, after = (_STEP_BEFORE, _STEP_AFTER) if is_step else (_BEFORE, _AFTER)
    return re.compile(f"{before}(?:{alternatives}){after}", re.IGNORECASE if is_step else 0)
