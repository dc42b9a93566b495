"""Runs of suites: what was measured on a release, with everything needed to measure it again."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from aftertune.values.exchange import ToolCall
from aftertune.values.value import Value
from aftertune.values.watch import Reading


class Trigger(StrEnum):
    """Why a run was opened."""

    REGISTRATION = "registration"
    NIGHTLY = "nightly"
    WEEKLY = "weekly"
    SCHEDULED = "scheduled"
    DRIFT_ALARM = "drift_alarm"
    BEFORE_PROMOTION = "before_promotion"
    BY_HAND = "by_hand"


class RunState(StrEnum):
    """queued → running → successful, failed (measured, and a gate is not met) or error (could not be measured)."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    ERROR = "error"

    @property
    def final(self) -> bool:
        return self in (RunState.SUCCESSFUL, RunState.FAILED, RunState.ERROR)


class Signature(Value):
    """What a score depends on: two runs with equal signatures measured the same thing in the same way."""

    suite: str
    suite_version: str
    dataset: str = Field(description="SHA-256 over the samples, in order")
    scorers: dict[str, str] = Field(description="scorer → version")
    release: str
    weights: str = Field(description="digest of the weights that answered; empty for an external engine")
    baselines: dict[str, str] = Field(
        default={}, description="release compared with → digest of its weights; empty for an external engine"
    )
    roles: dict[str, str] = Field(default={}, description="what a baseline is (base, last_good) → release")
    seed: int
    endpoint: str = Field(default="", description="way of asking and the path that it asks")
    decoding: dict[str, str | int | float]
    templates: dict[str, str] = Field(default={}, description="release → digest of its chat template")
    answering: dict[str, str] = Field(
        default={}, description="release → SHA-256 over everything that its answers depend on"
    )
    judging: dict[str, str] = Field(
        default={}, description="who judges, and digests of everything that they are asked; empty: nobody"
    )
    versions: dict[str, str] = Field(description="library → version")

    def differing(self, other: "Signature") -> tuple[str, ...]:
        """The names of the fields in which the two differ."""
        return tuple(name for name, value in self if getattr(other, name) != value)


class Better(StrEnum):
    """Which way a metric improves."""

    HIGHER = "higher"
    LOWER = "lower"


class Score(Value):
    """One metric of one run. Unmeasured samples are counted, never scored; estimate is None when nothing was measured.

    `smallest_detectable` is the change that as many samples as these would find at 80 % power, two-sided 5 %, against
    an independent run of the same kind; None where the spread is not known.
    """

    metric: str
    scorer: str
    better: Better = Better.HIGHER
    n: int = Field(ge=0, description="samples measured: the denominator")
    unmeasured: int = Field(default=0, ge=0)
    estimate: float | None
    low: float | None
    high: float | None
    confidence: float = Field(default=0.95, gt=0, lt=1)
    clusters: int | None = Field(default=None, description="groups that the interval resamples as wholes")
    smallest_detectable: float | None = None
    ends: tuple[float, float] | None = Field(
        default=None,
        description="the least and the most that a sample's score can be; None where one is not known",
    )
    method: str = Field(description="of the interval")
    signature: str = Field(
        default="", description="of the library that computes the metric, with its settings"
    )
    detail: str = Field(default="", description="why something is unmeasured, or what the number means")


class Difference(Value):
    """A paired comparison on the same samples: release − baseline. `smallest_detectable` at 80 % power, two-sided 5 %."""

    metric: str
    baseline: str
    better: Better = Better.HIGHER
    n: int = Field(ge=0, description="pairs with both sides measured")
    unmeasured: int = Field(default=0, ge=0)
    estimate: float | None
    low: float | None
    high: float | None
    confidence: float = Field(default=0.95, gt=0, lt=1)
    clusters: int | None = Field(default=None, description="groups that the interval resamples as wholes")
    smallest_detectable: float | None
    p: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="two-sided, of no difference, and of this metric alone; None where no spread was seen",
    )
    method: str
    flipped_down: tuple[str, ...] = Field(default=(), description="samples on which the release is worse")
    flipped_up: tuple[str, ...] = Field(default=(), description="samples on which the release is better")


class Bound(StrEnum):
    """What a gate tests: the end of an interval that is worse for the release, of a score or of a difference.

    The low end must not fall below the limit; the high end, of a metric of which less is better, must not exceed it.
    """

    SCORE_LOW = "score_low"
    SCORE_HIGH = "score_high"
    DIFFERENCE_LOW = "difference_low"
    DIFFERENCE_HIGH = "difference_high"

    @property
    def of_difference(self) -> bool:
        return self in (Bound.DIFFERENCE_LOW, Bound.DIFFERENCE_HIGH)

    @property
    def is_low(self) -> bool:
        return self in (Bound.SCORE_LOW, Bound.DIFFERENCE_LOW)


class Gate(Value):
    """A limit that a bound must keep. `passed` is None when it could not be measured."""

    metric: str
    bound: Bound
    baseline: str = Field(default="", description="the release that a difference is taken from")
    limit: float
    value: float | None
    passed: bool | None
    reason: str


class Forecast(Value):
    """What a run will ask at most, told before it starts. Prompt tokens are estimated: four characters each."""

    requests: int = Field(ge=0, description="answers, over releases and repeats; a conversation is one")
    prompt_tokens: int = Field(ge=0)
    answer_tokens: int = Field(ge=0, description="if every answer were as long as it may be")
    judge_questions: int = Field(
        default=0,
        ge=0,
        description="to each judge: of the card, traits of personas, and canaries; not what ragas asks",
    )


class Forgotten(StrEnum):
    """within: the whole interval is; overspent: none of it is; unknown: the margin lies inside it, or nothing was measured.

    What is unmeasured counts as the best and as the worst that it could be: the state is known where it is the same.
    """

    WITHIN = "within"
    OVERSPENT = "overspent"
    UNKNOWN = "unknown"


class Budget(Value):
    """What one skill may lose against a baseline, and has lost: `spent` is the loss, negative for a gain.

    `spent_at_most` is the end of its 95 % interval that is worse, `left` is what remains of the margin after `spent`.
    """

    skill: str
    metric: str
    baseline: str
    margin: float = Field(gt=0)
    spent: float | None
    spent_at_most: float | None
    left: float | None
    n: int = Field(ge=0)
    unmeasured: int = Field(default=0, ge=0)
    possible: tuple[float, float] | None = Field(
        default=None,
        description="the interval's outermost ends, whatever the unmeasured samples are; None where nothing limits them",
    )
    smallest_detectable: float | None
    state: Forgotten


class Unmeasured(Value):
    """Samples of one release that lack a number, for one reason."""

    release: str
    reason: str
    samples: int = Field(ge=1)


class SuiteCard(Value):
    """A suite as the evaluation room offers it."""

    name: str
    version: str
    description: str
    samples: int = Field(ge=0)
    dataset: str = Field(description="SHA-256 over the samples, in order")
    licence: str
    gates: tuple[str, ...] = Field(description="each gate in words")
    baselines: tuple[str, ...] = Field(
        default=(),
        description="base: a release of the same base without an adapter; last_good: what users have",
    )
    forecast: Forecast | None = Field(default=None, description="of one release")


class Progress(Value):
    """How a run goes, over all its releases. A sample that two releases answer counts twice."""

    asked: int = Field(default=0, ge=0, description="samples answered, or given up")
    total: int = Field(default=0, ge=0)
    rate: float | None = Field(default=None, description="samples a second in this attempt")
    seconds_left: float | None = None
    from_cache: int = Field(default=0, ge=0, description="samples whose answers an earlier run already had")
    truncated: int = Field(default=0, ge=0, description="answers that were cut off at the most tokens")
    retries: int = Field(default=0, ge=0, description="requests that were sent again")


class EvaluationRun(Value):
    """One suite on one release."""

    id: str
    suite: str
    release: str
    deployment: str | None = None
    trigger: Trigger
    state: RunState
    reason: str = ""
    requested_by: str
    requested_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    samples: int = Field(default=0, ge=0)
    done: int = Field(default=0, ge=0)
    attempts: int = Field(default=0, ge=0, description="times it was started; a killed run is started again")
    fresh: bool = Field(default=True, description="whether every answer is asked for anew")
    forecast: Forecast | None = None
    progress: Progress = Progress()
    signature: Signature | None = None
    scores: tuple[Score, ...] = ()
    differences: tuple[Difference, ...] = ()
    gates: tuple[Gate, ...] = ()
    budgets: tuple[Budget, ...] = ()
    unmeasured: tuple[Unmeasured, ...] = Field(default=(), description="the most samples first")
    watch: Reading | None = Field(default=None, description="of the nightly runs up to this one")


class Loss(Value):
    """The negative log-likelihood of a text, summed over its tokens but the first, in nats."""

    nats: float
    tokens: int = Field(ge=1)


class Answer(Value):
    """One answer in full, as an engine gave it: model output, hostile."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    raw: str | None = Field(
        default=None,
        description="what was generated, before the engine's parser of tool calls; None: not asked for",
    )
    finish: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency_s: float | None = None
    first_token_s: float | None = Field(
        default=None, description="from sending to the first token; streams only"
    )
    transcript: tuple[dict[str, Any], ...] = Field(
        default=(), description="the messages of a conversation after the sample's own"
    )
    state: dict[str, Any] | None = Field(default=None, description="of a simulated world at the end")
    loss: Loss | None = None
    ranking: tuple[str, ...] = Field(default=(), description="ids of documents, the best first")

    @property
    def said(self) -> str:
        """The text, or the tool calls as JSON."""
        if not self.tool_calls:
            return self.text
        calls = [{"name": call.name, "arguments": call.arguments} for call in self.tool_calls]
        return json.dumps(
            {"text": self.text, "tool_calls": calls} if self.text else calls, ensure_ascii=False
        )


class Judgement(Value):
    """What a judge said of an answer: model output, hostile. A value of None is unmeasured; `reason` says why."""

    question: str
    judge: str = Field(description="the judge's model name")
    prompt: str = Field(description="SHA-256 of the prompt that was asked, without the answer")
    answer: int = Field(default=0, ge=0, description="which of the sample's answers, from 0")
    repeat: int = Field(default=0, ge=0)
    swapped: bool = Field(
        default=False, description="whether the pair, or the options, came in the other order"
    )
    sentence: int | None = Field(
        default=None, ge=0, description="which sentence of the answer; None: all of it"
    )
    reply: str = ""
    value: float | None
    reason: str = ""


class SampleResult(Value):
    """One sample of one run, as answered by one release. A score of None is unmeasured; `error` says why.

    `statistics` holds, by metric, what the sample adds to a number that only exists for all samples together.
    """

    run: str
    sample: str
    release: str
    answers: tuple[Answer, ...] = Field(default=(), description="one for each repeat; none: unanswered")
    judgements: tuple[Judgement, ...] = ()
    scores: dict[str, float | None]
    statistics: dict[str, tuple[float, ...] | None] = Field(default={})
    error: str = ""
    latency_s: float | None = None

    @property
    def said(self) -> str:
        """The first answer; empty when there is none."""
        return self.answers[0].said if self.answers else ""


def before_promotion_run(rollout: str, suite: str) -> str:
    """The id of the one run that a rollout's plan asks for before promotion."""
    return f"before-promotion-{rollout}-{suite}"
