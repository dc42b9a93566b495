"""Where a campaign's questions and answers come from: runs of suites, or the pairs of a rollout.

A campaign keeps references. What it shows is read where it is stored, as the capture policy left it, and goes when
that goes.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from aftertune.errors import BadInput, Conflict, NotFound
from aftertune.reviews.evidence import evidence_of_pair, evidence_of_results
from aftertune.reviews.export import Texts
from aftertune.reviews.sampling import Evidence
from aftertune.store import Transaction
from aftertune.values.evaluation import Answer, EvaluationRun, SampleResult
from aftertune.values.pair import Pair
from aftertune.values.review import Campaign, ReviewItem, Side, Source, SourceKind
from console.transcript import answer_text, prompt_text

FRAME = 5000
"""The newest pairs of a rollout, at most, that items are drawn from."""


class Gathered(NamedTuple):
    """What can be drawn from, and how many candidates have no stored question or answer."""

    source: Source
    candidates: list[Evidence]
    left_out: int


def from_runs(tx: Transaction, sides: Sequence[Side]) -> Gathered:
    """Raises NotFound; Conflict where a run goes on, or two runs did not ask the same questions."""
    runs = [tx.evaluations.get(side.run) for side in sides]
    dataset = _dataset(runs)
    results = [_of_side(tx, side, run) for side, run in zip(sides, runs, strict=True)]
    samples = sorted(set.union(*(set(side) for side in results)))
    questions = tx.questions.of(dataset, samples)
    if not questions:
        raise Conflict(
            f"The questions of the suite {runs[0].suite!r} are not stored.",
            "Restart the evaluation room: it stores them when it starts.",
        )
    usable = [
        sample
        for sample in samples
        if sample in questions and all(side.get(sample) and side[sample].answers for side in results)
    ]
    kind = SourceKind.RUNS if len(sides) > 1 else SourceKind.RUN
    source = Source(kind=kind, sides=tuple(sides), suite=runs[0].suite, dataset=dataset)
    candidates = [evidence_of_results(sample, [side[sample] for side in results], runs) for sample in usable]
    return Gathered(source, candidates, len(samples) - len(usable))


def from_rollout(tx: Transaction, rollout: str) -> Gathered:
    """The newest pairs of its baseline and candidate. Raises NotFound."""
    found = tx.rollouts.get(rollout)
    pairs = tx.pairs.between(found.deployment, found.baseline, found.candidate, found.created_at)[-FRAME:]
    kept = tx.exchanges.with_texts(leg for pair in pairs for leg in _legs(pair))
    usable = [pair for pair in pairs if kept.issuperset(_legs(pair))]
    source = Source(
        kind=SourceKind.PAIRS,
        sides=(Side(release=found.baseline), Side(release=found.candidate)),
        rollout=rollout,
    )
    return Gathered(source, [evidence_of_pair(pair) for pair in usable], len(pairs) - len(usable))


def texts_of(tx: Transaction, campaign: Campaign, items: Iterable[ReviewItem]) -> dict[str, Texts]:
    """By item; answers in the sides' order."""
    if campaign.source.kind is SourceKind.PAIRS:
        return {item.id: _texts_of_pair(tx, item.subject) for item in items}
    listed = list(items)
    subjects = [item.subject for item in listed]
    questions = tx.questions.of(campaign.source.dataset, subjects)
    answers = [tx.evaluations.answers(side.run, side.release, subjects) for side in campaign.source.sides]
    return {
        item.id: Texts(
            questions.get(item.subject),
            tuple(_said(side.get(item.subject)) for side in answers),
        )
        for item in listed
    }


def first_complete(
    tx: Transaction, campaign: Campaign, items: Sequence[ReviewItem], attempts: int = 200
) -> ReviewItem | None:
    """The first of the items whose texts are all still stored."""
    for item in islice(items, attempts):
        if texts_of(tx, campaign, [item])[item.id].complete:
            return item
    return None


def _dataset(runs: Sequence[EvaluationRun]) -> str:
    for run in runs:
        if not run.state.final or run.signature is None:
            raise Conflict(
                f"The run {run.id} is {run.state}: there is nothing to review.", "Wait until it ends."
            )
    datasets = {run.signature.dataset for run in runs if run.signature}
    if len(datasets) > 1:
        raise BadInput(
            f"The runs {' and '.join(run.id for run in runs)} did not ask the same questions.",
            "Compare two runs of one version of one suite.",
        )
    return datasets.pop()


def _of_side(tx: Transaction, side: Side, run: EvaluationRun) -> Mapping[str, SampleResult]:
    results = tx.evaluations.results(run.id)
    found = {result.sample: result for result in results if result.release == side.release}
    if not found:
        raise NotFound(f"answers in run {run.id} by release", side.release, {r.release for r in results})
    return found


def _legs(pair: Pair) -> tuple[str, str]:
    return pair.stable_exchange, pair.candidate_exchange


def _texts_of_pair(tx: Transaction, pair_id: str) -> Texts:
    legs = [tx.exchanges.payload(leg) for leg in _legs(tx.pairs.get(pair_id))]
    asked = next((leg.request for leg in legs if leg and leg.request), None)
    answers = tuple(answer_text(leg.answer) if leg and leg.answer else None for leg in legs)
    return Texts(prompt_text(asked) if asked else None, answers)


def _said(answer: Answer | None) -> str | None:
    """With the rest of a conversation, where there was one."""
    if answer is None:
        return None
    if answer.transcript:
        return prompt_text(json.dumps({"messages": list(answer.transcript)}).encode())
    calls = [f"{call.name}({call.arguments})" for call in answer.tool_calls]
    return "\n".join(part for part in (answer.text, *calls) if part)
