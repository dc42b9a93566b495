"""The appendix of the evaluations: every score, every difference, and what each signature stands for."""

from collections.abc import Iterator, Sequence

from aftertune.values.evaluation import Difference, EvaluationRun
from reports.cells import moment, table
from reports.document import Block, Cell, Digest, Figure, Missing, Section, Table
from reports.evidence import Evidence
from reports.scoring import difference_figure, score_figure

TITLE = "Details of the evaluations"
ABREAST = 5
"""Runs beside each other in a table of scores."""
NAMED_SAMPLES = 10
"""Flipped samples that are named; report readers find the others by the run's id."""


def details(evidence: Evidence) -> Section:
    if not evidence.runs:
        nothing = Missing(
            text="No suite was run in this week: there are no scores, and no signatures of them."
        )
        return Section(name="details", title=TITLE, blocks=(nothing,))
    blocks = (*_scores(evidence.runs), _differences(evidence.runs), *_signatures(evidence.runs))
    return Section(name="details", title=TITLE, blocks=blocks)


def _scores(runs: Sequence[EvaluationRun]) -> Iterator[Block]:
    """A table for each suite: its metrics downwards, its runs abreast."""
    scored = [run for run in runs if run.scores]
    if not scored:
        yield Missing(
            text="No run of this week has a score: none ended with an answer that could be measured."
        )
    for suite in dict.fromkeys(run.suite for run in scored):
        mine = [run for run in scored if run.suite == suite]
        for start in range(0, len(mine), ABREAST):
            yield _abreast(suite, mine[start : start + ABREAST])


def _abreast(suite: str, runs: Sequence[EvaluationRun]) -> Table:
    heads = (
        (f"run_{number}", f"{run.release}, {run.trigger.replace('_', ' ')}")
        for number, run in enumerate(runs, 1)
    )
    metrics = dict.fromkeys(score.metric for run in runs for score in run.scores)
    listed = ", ".join(f"{run.id} ({moment(run.ended_at)})" for run in runs)
    return table(
        f"Scores of {suite}",
        (("metric", "Metric"), *heads, ("detail*", "Remark")),
        (_metric(metric, runs) for metric in metrics),
        f"Runs, from the left: {listed}.",
    )


def _metric(metric: str, runs: Sequence[EvaluationRun]) -> tuple[Cell, ...]:
    found = [next((score for score in run.scores if score.metric == metric), None) for run in runs]
    told = dict.fromkeys(score.detail for score in found if score and score.detail)
    figures = (score_figure(score, run) for score, run in zip(found, runs, strict=True))
    return metric, *figures, " ".join(told) or "–"


def _differences(runs: Sequence[EvaluationRun]) -> Block:
    rows = [_difference(run, difference) for run in runs for difference in run.differences]
    if not rows:
        return Missing(text="No run of this week compared a release with its base on the same samples.")
    columns = (
        ("suite", "Suite"),
        ("compared", "Release − base"),
        ("metric", "Metric"),
        ("difference", "Difference"),
        ("detectable", "Smallest detectable"),
        ("lost*", "Only the base was right"),
        ("won*", "Only the release was right"),
    )
    note = (
        "Paired, on the same samples. A difference smaller than the smallest detectable one would go unseen."
    )
    return table("Forgetting: differences from the base", columns, rows, note)


def _difference(run: EvaluationRun, difference: Difference) -> tuple[Cell, ...]:
    least = difference.smallest_detectable
    return (
        run.suite,
        f"{run.release} − {difference.baseline}",
        difference.metric,
        difference_figure(difference, run),
        Figure(value=least, n=difference.n, missing="" if least is not None else "too few pairs"),
        _named(difference.flipped_down),
        _named(difference.flipped_up),
    )


def _named(samples: Sequence[str]) -> str:
    if not samples:
        return "none"
    more = len(samples) - NAMED_SAMPLES
    return f"{len(samples)}: {', '.join(samples[:NAMED_SAMPLES])}" + (f" and {more} more" if more > 0 else "")


SIGNATURE = (
    ("signature", "Signature"),
    ("suite", "Suite"),
    ("scorers", "Scorers"),
    ("samples", "Samples"),
    ("release", "Release"),
    ("weights", "Weights"),
    ("base", "Base"),
    ("base_weights", "Base's weights"),
    ("seed", "Seed"),
)
ASKED = (("decoding*", "Decoding"), ("versions*", "Versions"), ("signatures*", "Signatures"))


def _signatures(runs: Sequence[EvaluationRun]) -> Iterator[Block]:
    signed = {run.signature.digest(): run.signature for run in runs if run.signature is not None}
    if not signed:
        yield Missing(text="No run of this week is signed: none began to ask its samples.")
        return
    rows = [
        (
            Digest(sha256=digest),
            f"{signature.suite} {signature.suite_version}",
            _pairs(signature.scorers),
            Digest(sha256=signature.dataset),
            signature.release,
            Digest(sha256=signature.weights) if signature.weights else "not known",
            signature.baseline or "none",
            Digest(sha256=signature.baseline_weights) if signature.baseline_weights else "none",
            str(signature.seed),
        )
        for digest, signature in sorted(signed.items())
    ]
    note = "Equal signatures measured the same thing in the same way. Digests are whole in report.json."
    yield table("Signatures", SIGNATURE, rows, note)
    asked: dict[tuple[str, str], list[str]] = {}
    for digest, signature in sorted(signed.items()):
        asked.setdefault((_pairs(signature.decoding), _pairs(signature.versions)), []).append(digest[:12])
    yield table("How they were asked", ASKED, ((*how, ", ".join(named)) for how, named in asked.items()))


def _pairs(mapping: dict[str, str] | dict[str, str | int | float]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(mapping.items())) or "none"
