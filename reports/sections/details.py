"""The appendix of the evaluations: every score, every difference, and what each signature stands for."""

from collections.abc import Iterator, Sequence

from aftertune.values.evaluation import Difference, EvaluationRun, Signature
from reports.cells import moment, table
from reports.document import Block, Cell, Digest, Missing, Section, Table
from reports.evidence import Evidence
from reports.scoring import against, difference_figure, named, score_figure

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
    scored = next(score for score in found if score)
    how = f"{scored.method}." if not scored.signature else f"{scored.method}; {scored.signature}."
    return named(scored), *figures, " ".join((*told, how))


def _differences(runs: Sequence[EvaluationRun]) -> Block:
    rows = [_difference(run, difference) for run in runs for difference in run.differences]
    if not rows:
        return Missing(text="No run of this week compared a release with a baseline on the same samples.")
    columns = (
        ("suite", "Suite"),
        ("compared", "Release − baseline"),
        ("metric", "Metric"),
        ("difference", "Difference"),
        ("lost*", "The release is worse"),
        ("won*", "The release is better"),
    )
    note = (
        "Paired, on the same samples. 'finds' is the smallest change that as many pairs would find (80 % power): a "
        "smaller one often goes unseen."
    )
    return table("Differences from the baselines", columns, rows, note)


def _difference(run: EvaluationRun, difference: Difference) -> tuple[Cell, ...]:
    return (
        run.suite,
        f"{run.release} − {against(run, difference.baseline)}",
        named(difference),
        difference_figure(difference, run),
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
    ("baselines*", "Baselines"),
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
            _baselines(signature),
            str(signature.seed),
        )
        for digest, signature in sorted(signed.items())
    ]
    note = "Equal signatures measured the same thing in the same way. Digests are whole in report.json."
    yield table("Signatures", SIGNATURE, rows, note)
    asked: dict[tuple[str, str], list[str]] = {}
    for digest, signature in sorted(signed.items()):
        how = _pairs(
            {"endpoint": signature.endpoint or "not known", **signature.decoding, **signature.judging}
        )
        asked.setdefault((how, _pairs(signature.versions)), []).append(digest[:12])
    yield table("How they were asked", ASKED, ((*how, ", ".join(named)) for how, named in asked.items()))


def _baselines(signature: Signature) -> str:
    """Each with its role and the beginning of its weights' digest."""
    roles = {release: role.replace("_", " ") for role, release in signature.roles.items()}
    told = (
        f"{name}{f' ({roles[name]})' if name in roles else ''} {weights[:12] or 'not known'}"
        for name, weights in signature.baselines.items()
    )
    return ", ".join(told) or "none"


def _pairs(mapping: dict[str, str] | dict[str, str | int | float]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(mapping.items())) or "none"
