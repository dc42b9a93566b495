"""The suite that the guide works through: as written there, it loads and scores."""

import re
from pathlib import Path

from aftertune.values.evaluation import Answer
from evals.harness.scored import score
from evals.suite.suite import Suite, load_suite

GUIDE = Path(__file__).parents[2] / "docs" / "evaluation.md"
FILES = {"card.yaml": "yaml", "samples.jsonl": "json", "scorer.py": "python"}


def documented(folder: Path) -> Suite:
    """Each block of the guide as the file that it is."""
    text = GUIDE.read_text(encoding="utf-8")
    folder.mkdir()
    for name, language in FILES.items():
        (block,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        (folder / name).write_text(block, encoding="utf-8")
    return load_suite(folder)


def test_the_guide_s_suite_works(tmp_path: Path) -> None:
    suite = documented(tmp_path / "opening_hours")
    monday, sunday = suite.samples
    assert score(suite, monday, [Answer(text="From 9:00 to 18:00.")], ()).scores == {"minutes": 1.0}
    assert score(suite, sunday, [Answer(text="At 9:00.")], ()).scores == {"minutes": 0.0}
    assert [gate.in_words() for gate in suite.card.gates][1].endswith(
        "the last good release is at least -0.2"
    )
