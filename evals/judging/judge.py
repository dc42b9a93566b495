"""Everything that judges say of a sample's answers: the questions of the card, the traits of its persona, and ragas."""

import asyncio
from collections.abc import Sequence

from aftertune.values.evaluation import Answer, Judgement
from evals.judging import ragas_metrics
from evals.judging.bench import Bench, Seat
from evals.judging.canary import CANARIES, PREFIX, WRONG, Canary, canary_for
from evals.judging.prompt import Shown, ask, digest
from evals.judging.verdict import LONGEST_REPLY, read
from evals.persona.probing import probed
from evals.persona.sentences import sentences
from evals.scorers.text.similarity import similarity as text_similarity
from evals.suite.card import JudgeQuestion
from evals.suite.sample import Sample
from evals.suite.scoring import RetrievalAnswer, Text
from evals.suite.suite import Suite
from evals.text.similarity import similarities

NO_JUDGE = "no judge is configured: set AFTERTUNE_EVALS__JUDGES"

CANARY_TRIES = 3
"""A canary without a verdict is asked again so often."""

SAID_NOTHING = "the answer holds no sentence to judge"


async def judge(
    suite: Suite, sample: Sample, answers: Sequence[Answer], bench: Bench
) -> tuple[Judgement, ...]:
    """Every judgement, failed ones with a value of None and the reason. Raises nothing but a cancellation."""
    found: list[Judgement] = []
    if text_similarity.name in suite.card.scorers and isinstance(sample.scoring, Text) and bench.encoder:
        found += await similarities(sample, answers, bench.encoder.engine, bench.encoder.name)
    card = suite.card.judge
    if card is None:
        return tuple(found)
    for index, answer in enumerate(answers):
        questions = suite.questions_about(sample)
        if questions and not bench.seats:
            found += [_unjudged(question, index, NO_JUDGE) for question in questions]
        batches = (_batch(suite, sample, answer, index, questions, seat, bench) for seat in bench.seats)
        if questions:
            found += [each for batch in await asyncio.gather(*batches) for each in batch]
        if card.probes:
            found += await probed(suite.personas, sample, answer, index, bench)
        if card.ragas:
            found += await ragas_metrics.judged(card.ragas, sample, answer, index, bench)
    return tuple(found)


def is_judged(suite: Suite) -> bool:
    """Whether anybody, a judge model or the encoder, is asked about the suite's answers."""
    return suite.card.judge is not None or any(scorer.judged for scorer in suite.scorers)


def described(suite: Suite, bench: Bench) -> dict[str, str]:
    """For a run's signature: who judges, and the digest of everything that they are asked."""
    questions = {
        digest(question): question for sample in suite.samples for question in suite.questions_about(sample)
    }
    found = {}
    if questions and bench.seats:
        found["judges"] = ", ".join(seat.judge.name for seat in bench.seats)
        found["judge_prompts"] = ", ".join(sorted(key[:16] for key in questions))
    probes = suite.card.judge is not None and suite.card.judge.probes
    if bench.encoder and (probes or text_similarity.name in suite.card.scorers):
        found["encoder"] = bench.encoder.name
    if suite.card.judge and suite.card.judge.ragas:
        found["ragas"] = ragas_metrics.installed()
    return found


async def _batch(
    suite: Suite,
    sample: Sample,
    answer: Answer,
    index: int,
    questions: Sequence[JudgeQuestion],
    seat: Seat,
    bench: Bench,
) -> list[Judgement]:
    """One judge on one answer, with a canary. After a wrong canary nothing that it says of this answer counts."""
    card = suite.card.judge
    assert card is not None
    await _examine(seat, bench)
    if seat.distrust:
        return [_unjudged(question, index, seat.distrust, seat) for question in questions]
    canary = await _canary(canary_for(sample.id, index), seat, bench, swapped=index % 2 == 1)
    orders = (False, True) if card.swap else (False,)
    asked = [
        _asked(question, _shown(question, sample, answer), index, repeat, seat, bench, swapped=swapped)
        for question in questions
        for repeat in range(card.repeats)
        for swapped in orders
    ]
    judgements = [each for some in await asyncio.gather(*asked) for each in some]
    if canary.value is None or canary.reason == WRONG:
        reason = WRONG if canary.reason == WRONG else f"its canary gave no verdict: {canary.reason}"
        judgements = [
            each if each.value is None else each.model_copy(update={"value": None, "reason": reason})
            for each in judgements
        ]
    return [canary.model_copy(update={"answer": index}), *judgements]


async def _examine(seat: Seat, bench: Bench) -> None:
    """Once a run, before its first question: every canary. One wrong answer, and the judge is not asked anything else."""
    async with seat.examining:
        if seat.distrust is not None:
            return
        answers = await asyncio.gather(*(_canary(canary, seat, bench) for canary in CANARIES))
        wrong = [each.question.removeprefix(PREFIX) for each in answers if each.reason == WRONG]
        seat.distrust = f"{WRONG} ({', '.join(wrong)}), so it judges nothing in this run" if wrong else ""


async def _canary(canary: Canary, seat: Seat, bench: Bench, *, swapped: bool = False) -> Judgement:
    """Its value is the verdict; a wrong one has WRONG as its reason."""
    found = None
    for repeat in range(CANARY_TRIES):
        (found,) = await _asked(canary.as_question(), canary.shown(), 0, repeat, seat, bench, swapped=swapped)
        if found.value is not None:
            break
    assert found is not None
    named = found.model_copy(update={"question": canary.metric})
    if found.value is not None and found.value != canary.right:
        return named.model_copy(update={"reason": WRONG})
    return named


async def _asked(
    question: JudgeQuestion,
    shown: Shown,
    index: int,
    repeat: int,
    seat: Seat,
    bench: Bench,
    *,
    swapped: bool,
) -> list[Judgement]:
    """One for each sentence where they are judged by themselves."""
    if question.sentences and not shown.sentences:
        return [_unjudged(question, index, SAID_NOTHING, seat, repeat=repeat, swapped=swapped)]
    asked = ask(question, shown, marker=bench.word(), code=bench.word(), swapped=swapped)
    reply = await seat.ask(asked, seed=repeat)
    if reply.said is None:
        return [_unjudged(question, index, reply.reason, seat, repeat=repeat, swapped=swapped)]
    verdict = read(reply.said, asked)
    whole = _unjudged(question, index, verdict.reason, seat, repeat=repeat, swapped=swapped)
    kept = whole.model_copy(update={"reply": reply.said[:LONGEST_REPLY]})
    if not verdict.values:
        return [kept]
    return [
        kept.model_copy(
            update={
                "value": value,
                "reason": "",
                "sentence": number if question.sentences else None,
                "reply": kept.reply if number == 0 else "",
            }
        )
        for number, value in enumerate(verdict.values)
    ]


def _shown(question: JudgeQuestion, sample: Sample, answer: Answer) -> Shown:
    return Shown(
        sample.question,
        answer.said,
        sentences(answer.said) if question.sentences else (),
        _material(question, sample),
    )


def _material(question: JudgeQuestion, sample: Sample) -> tuple[tuple[str, str], ...]:
    scoring = sample.scoring
    if question.needs == "reference":
        references = (
            scoring.references
            if isinstance(scoring, Text)
            else (scoring.reference,)
            if isinstance(scoring, RetrievalAnswer)
            else ()
        )
        return tuple(("A good answer", text) for text in references[:1])
    if question.needs == "contexts" and isinstance(scoring, RetrievalAnswer):
        return tuple((f"Passage {number}", text) for number, text in enumerate(scoring.contexts, 1))
    return ()


def _unjudged(
    question: JudgeQuestion,
    index: int,
    reason: str,
    seat: Seat | None = None,
    *,
    repeat: int = 0,
    swapped: bool = False,
) -> Judgement:
    return Judgement(
        question=question.metric,
        judge=seat.judge.name if seat else "",
        prompt=digest(question),
        answer=index,
        repeat=repeat,
        swapped=swapped,
        value=None,
        reason=reason,
    )
