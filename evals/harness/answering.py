"""One sample to one release: every repeat is asked, and what cannot be answered says why."""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from aftertune.clock import Clock
from aftertune.engine import AsyncEngine
from aftertune.errors import AftertuneError
from aftertune.values.evaluation import Answer
from evals.asking import Question, find_way
from evals.suite.sample import Sample
from evals.suite.suite import Suite

LONGEST_REASON = 500
"""Characters of why there is no answer."""

log = logging.getLogger(__name__)


class Unit(NamedTuple):
    """One sample put to one release: a question for each repeat. Only values: it can be sent to another process."""

    sample: str
    release: str
    questions: tuple[Question, ...]


class Answered(NamedTuple):
    """`answers`: one for each repeat, or none, and then `error` says why. One lost repeat loses them all."""

    sample: str
    release: str
    answers: tuple[Answer, ...]
    error: str = ""
    latency_s: float | None = None
    retries: int = 0  # of the engine since the answer before: they add up to those of the run
    cached: bool = False


def units_of(suite: Suite, releases: Sequence[str], answered: Iterable[tuple[str, str]]) -> list[Unit]:
    """What is still to ask, (release, sample) by (release, sample), in the suite's order.

    Each sample is put to every release before the next one, so that they are compared under the same load.
    """
    known = set(answered)
    return [
        Unit(sample.id, release, questions_of(suite, sample))
        for sample in suite.samples
        for release in releases
        if (release, sample.id) not in known
    ]


def questions_of(suite: Suite, sample: Sample) -> tuple[Question, ...]:
    ask, tools = suite.card.ask, suite.tools_for(sample)
    return tuple(
        Question(sample, ask, tools, seed_of(suite.card.seed, sample.id, repeat), suite.documents)
        for repeat in range(ask.repeats)
    )


def seed_of(seed: int, sample: str, repeat: int) -> int:
    """31 bits: some engines take no more."""
    digest = hashlib.sha256(f"{seed}\n{sample}\n{repeat}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


async def answer(unit: Unit, engine: AsyncEngine, clock: Clock) -> Answered:
    """Raises nothing but what ends the whole run: a cancellation."""
    began, answers = clock.monotonic(), []
    for question in unit.questions:
        try:
            answers.append(await find_way(question.ask.how)(question, engine))
        except AftertuneError as error:
            return _unanswered(unit, str(error), clock.monotonic() - began)
        except Exception as error:
            # A fault of ours, or of a suite's: it concerns this sample, and is no answer's fault.
            log.exception("Sample %s cannot be put to %s.", unit.sample, unit.release)
            reason = f"asking it failed: {type(error).__name__}: {error}"
            return _unanswered(unit, reason, clock.monotonic() - began)
    return Answered(unit.sample, unit.release, tuple(answers), latency_s=clock.monotonic() - began)


def _unanswered(unit: Unit, reason: str, latency_s: float) -> Answered:
    return Answered(unit.sample, unit.release, (), reason[:LONGEST_REASON], latency_s)
