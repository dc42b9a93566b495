"""The text suites: references against themselves, and that no library is loaded before a text is scored."""

import subprocess
import sys
from pathlib import Path

import pytest

from aftertune.values.evaluation import Answer, Judgement, Score
from evals.conclusion.conclude import conclude
from evals.harness.scored import sample_result
from evals.suite.sample import Sample
from evals.suite.scoring import Text
from evals.suite.suite import SUITES, Suite, load_suite

ROOT = Path(__file__).parents[3]
LOADED = (
    "import sys, evals.suite.suite; print({'sacrebleu', 'rouge_score', 'nltk', 'lxml'} & set(sys.modules))"
)


def concluded(suite: Suite, said: dict[str, str]) -> dict[str, Score]:
    heard = Judgement(question="similarity", judge="encoder mini", prompt="p", value=0.5)
    judged = (heard,) if "text.similarity" in suite.card.scorers else ()
    results = [
        sample_result(suite, "r", "v2", sample, (Answer(text=said[sample.id], finish="stop"),), judged)
        for sample in suite.samples
    ]
    return {score.metric: score for score in conclude(suite, "v2", {}, results).scores}


def references(sample: Sample) -> tuple[str, ...]:
    assert isinstance(sample.scoring, Text)
    return sample.scoring.references


@pytest.mark.parametrize("name", ["text_summaries", "text_languages"])
def test_a_reference_is_as_good_as_it_gets(name: str) -> None:
    suite = load_suite(SUITES / name)
    assert all(len(references(sample)) == 2 for sample in suite.samples)
    found = concluded(suite, {sample.id: references(sample)[0] for sample in suite.samples})
    for metric, score in found.items():
        of = metric.partition("/")[0]
        whole = {"similarity": 0.5, "bleu": 100.0, "chrf": 100.0, "sentence_bleu": 100.0}.get(of, 1.0)
        assert score.estimate == pytest.approx(whole), metric
        assert score.signature or of in ("exact_text", "similarity")


def test_figures_have_intervals() -> None:
    suite = load_suite(SUITES / "text_summaries")
    said = {
        sample.id: references(sample)[index % 2] if index % 3 else "Something else."
        for index, sample in enumerate(suite.samples)
    }
    found = concluded(suite, said)
    for metric in ("bleu", "chrf", "rougeL"):
        score = found[metric]
        assert score.low is not None
        assert score.high is not None
        assert score.estimate is not None
        assert score.low < score.estimate < score.high
        assert score.smallest_detectable is not None


def test_no_library_is_loaded_before_it_is_needed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "set()"
