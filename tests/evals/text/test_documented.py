"""docs/metrics.md names every metric that it is about."""

from pathlib import Path

import pytest

from evals.scorers import Scorer
from evals.scorers.consistency.runs import consistency
from evals.scorers.consistency.variance import judged_consistency
from evals.scorers.critical_terms import critical_terms
from evals.scorers.labels.labels import label_scorer
from evals.scorers.loss import loss
from evals.scorers.search import search
from evals.scorers.served import served
from evals.scorers.text.bleu import bleu
from evals.scorers.text.chrf import chrf
from evals.scorers.text.exact import exact_text
from evals.scorers.text.rouge import rouge, rouge_unicode
from evals.scorers.text.similarity import similarity
from evals.text.sameness import NORMALISATION

PAGE = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
OURS = (
    *(bleu, chrf, rouge, rouge_unicode, exact_text, similarity),
    label_scorer("labels", ("<class>", "other"), risk_of="<class>"),
    *(consistency, judged_consistency, critical_terms, search, loss, served),
)


@pytest.mark.parametrize("scorer", OURS, ids=lambda scorer: scorer.name)
def test_every_metric_is_there(scorer: Scorer) -> None:
    told = [
        each.name for each in scorer.metrics if not each.name.endswith(("_other", "2_unicode", "L_unicode"))
    ]
    assert [name for name in told if f"`{name}`" not in PAGE] == []
    assert f"`{scorer.name}`" in PAGE or scorer in (critical_terms, search, loss, served, consistency)


def test_signatures_are_those_of_the_code() -> None:
    for scorer in (bleu, chrf):
        written = scorer.metrics[0].signature.rpartition("version:")[0].replace("|", "\\|")
        assert f"`{written}version:…`" in PAGE
    assert f"`{NORMALISATION}`" in PAGE
