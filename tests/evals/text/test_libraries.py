"""Our figures are sacrebleu's and rouge-score's, to 1e-6."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from aftertune.values.evaluation import Answer
from evals.scorers import Scorer
from evals.scorers.scorer import Given
from evals.scorers.text.bleu import bleu
from evals.scorers.text.chrf import chrf
from evals.scorers.text.rouge import rouge, rouge_unicode
from evals.suite.metric import Metric
from evals.suite.sample import Sample
from evals.suite.scoring import Text

CASES: list[tuple[str, tuple[str, ...]]] = [
    ("The pump is running again.", ("The pump runs again.", "The pump is running again.")),
    ("the pump", ("The pump runs again after a restart.", "It runs.")),
    ("", ("Nothing was said.", "Silence.")),
    ("An entirely other matter!", ("The valve is shut.", "Close the valve now, please.")),
    ("Η αντλία λειτουργεί ξανά.", ("Η αντλία δουλεύει ξανά.", "Η αντλία λειτουργεί.")),
    ("泵又开始运转了", ("泵又运转了", "水泵恢复运行")),
    ("पंप फिर चल रहा है", ("पंप फिर से चल रहा है", "पंप चालू है")),
    ("It costs 3.14 € — don’t wait…", ("It costs 3.14 €; do not wait.", "3.14 €")),
    ("one two three four five six", ("one two three four five six", "")),
]
texts = st.text(alphabet="ab c.,!éßЖ漢ไ\n", max_size=30)
rows = st.lists(st.tuples(texts, st.tuples(texts, texts)), min_size=1, max_size=6)


def counted(scorer: Scorer, metric: str, cases: list[tuple[str, tuple[str, ...]]]) -> float:
    """The aggregate over the statistics that each sample leaves."""
    found: Metric = next(each for each in scorer.metrics if each.name == metric)
    statistics = [said(scorer, answer, references)[metric] for answer, references in cases]
    assert found.aggregate is not None
    return found.aggregate(np.array(statistics))


def said(scorer: Scorer, answer: str, references: tuple[str, ...]) -> dict[str, object]:
    sample = Sample(id="s", scoring=Text(kind="text", references=references))
    return dict(scorer.score(sample, Given((Answer(text=answer),))))


def by_reference(cases: list[tuple[str, tuple[str, ...]]]) -> list[list[str]]:
    return [list(column) for column in zip(*(references for _, references in cases), strict=True)]


@given(rows)
@settings(max_examples=60, deadline=None)
def test_the_corpus_bleu_is_sacrebleus(cases: list[tuple[str, tuple[str, ...]]]) -> None:
    expected = BLEU(force=True).corpus_score([answer for answer, _ in cases], by_reference(cases))
    assert counted(bleu, "bleu", cases) == pytest.approx(expected.score, abs=1e-6)


@given(rows)
@settings(max_examples=60, deadline=None)
def test_the_corpus_chrf_is_sacrebleus(cases: list[tuple[str, tuple[str, ...]]]) -> None:
    expected = CHRF().corpus_score([answer for answer, _ in cases], by_reference(cases))
    assert counted(chrf, "chrf", cases) == pytest.approx(expected.score, abs=1e-6)


def test_a_corpus_of_many_scripts() -> None:
    answers, references = [answer for answer, _ in CASES], by_reference(CASES)
    assert counted(bleu, "bleu", CASES) == pytest.approx(
        BLEU().corpus_score(answers, references).score, abs=1e-6
    )
    assert counted(chrf, "chrf", CASES) == pytest.approx(
        CHRF().corpus_score(answers, references).score, abs=1e-6
    )


@pytest.mark.parametrize(("answer", "references"), CASES)
def test_a_sentences_bleu_has_effective_order(answer: str, references: tuple[str, ...]) -> None:
    expected = BLEU(effective_order=True).sentence_score(answer, list(references)).score
    assert said(bleu, answer, references)["sentence_bleu"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("answer", "references"), CASES)
def test_rouge_is_rouge_scores(answer: str, references: tuple[str, ...]) -> None:
    names = ["rouge1", "rouge2", "rougeL"]
    expected = RougeScorer(names).score_multi(references, answer)
    found = said(rouge, answer, references)
    assert found == {name: pytest.approx(expected[name].fmeasure, abs=1e-6) for name in names}


def test_signatures_are_the_librarys_with_the_order() -> None:
    answers, references = [answer for answer, _ in CASES], by_reference(CASES)
    for scorer, metric, library, left_out in (
        (bleu, "bleu", BLEU(), "|order:4"),
        (bleu, "sentence_bleu", BLEU(effective_order=True), "|order:4"),
        (chrf, "chrf", CHRF(), ""),
    ):
        library.corpus_score(answers, references)
        expected = str(library.get_signature()).replace("nrefs:2", "nrefs:var")
        found = next(each.signature for each in scorer.metrics if each.name == metric)
        assert found.replace(left_out, "") == expected
        assert left_out in found


def test_the_two_rouges_share_no_name_and_no_signature() -> None:
    ours = {metric.name: metric.signature for metric in rouge_unicode.metrics}
    theirs = {metric.name: metric.signature for metric in rouge.metrics}
    assert not ours.keys() & theirs.keys()
    assert not set(ours.values()) & set(theirs.values())
    assert all("tok:unicode" in signature for signature in ours.values())
