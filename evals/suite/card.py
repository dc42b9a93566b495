"""card.yaml: what a suite measures, how it asks, and what must hold."""

from enum import StrEnum
from typing import Any

from pydantic import Field, field_validator, model_validator

from aftertune.values.evaluation import Bound
from aftertune.values.value import Value


class Role(StrEnum):
    """What a release is compared with. `last_good`: what users have, or had before; there may be none yet."""

    BASE = "base"
    LAST_GOOD = "last_good"


class Truncated(StrEnum):
    """What an answer is that was cut off at the most tokens: scored as it stands, or unmeasured."""

    SCORED = "scored"
    UNMEASURED = "unmeasured"


class Ask(Value):
    """How an answer is had. `how` names a way of asking (`evals.asking`)."""

    how: str = "chat"
    max_tokens: int = Field(default=256, ge=1, description="of one answer")
    temperature: float = Field(default=0.0, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    repeats: int = Field(default=1, ge=1, description="answers a sample; their seeds differ")
    raw: bool = Field(default=False, description="whether the text before the engine's tool parser is kept")
    truncated: Truncated = Field(
        default=Truncated.SCORED, description="whether an answer that was cut off is scored"
    )
    cache_external: bool = Field(
        default=False,
        description="whether an earlier run's answers may stand for those of an external engine, whose weights nobody knows",
    )
    system: str = Field(default="", description="a system message before each sample's own messages")
    options: dict[str, Any] = Field(default={}, description="what only this way of asking knows")


class GateCard(Value):
    """A limit that the worse end of a 95 % interval must keep."""

    metric: str
    bound: Bound
    limit: float = Field(allow_inf_nan=False)
    baseline: Role = Field(default=Role.BASE, description="of a difference")

    def in_words(self) -> str:
        end, verb = ("lower", "at least") if self.bound.is_low else ("upper", "at most")
        other = "the base" if self.baseline is Role.BASE else "the last good release"
        interval = (
            f"the 95 % interval of its difference from {other}"
            if self.bound.of_difference
            else "its 95 % interval"
        )
        return f"{self.metric}: the {end} end of {interval} is {verb} {self.limit:g}"


class JudgeQuestion(Value):
    """A yes-or-no question that judge models answer about each answer: 1 is yes."""

    metric: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    question: str = Field(min_length=1)
    yes_if: str = Field(default="", description="what is to be seen where it is yes")
    no_if: str = Field(default="", description="what is to be seen where it is no")
    sentences: bool = Field(default=False, description="whether each sentence is judged by itself")
    needs: str = Field(
        default="", pattern="^(|reference|contexts)$", description="shown to the judge as well"
    )

    @property
    def anchored(self) -> str:
        """The question with its anchors."""
        anchors = ((name, seen) for name, seen in (("Yes", self.yes_if), ("No", self.no_if)) if seen)
        return "\n".join((self.question, *(f"{name}: {seen}" for name, seen in anchors)))


class JudgeCard(Value):
    """What judges are asked about the suite's answers, how often, and how many failures a verdict bears."""

    questions: tuple[JudgeQuestion, ...] = ()
    traits: bool = Field(default=False, description="whether judges are asked for the personas' traits")
    probes: bool = Field(
        default=False, description="whether probes on embeddings measure the personas' traits"
    )
    ragas: tuple[str, ...] = Field(default=(), description="metrics of ragas, which ask the first judge")
    repeats: int = Field(default=3, ge=1, description="times that each question is asked in each order")
    swap: bool = Field(default=True, description="whether it is asked in both orders of its options")
    most_unmeasured: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="share of samples: with more, a judged gate's verdict is withheld",
    )


class BudgetCard(Value):
    """How much of a metric each task may lose against a baseline before it counts as forgotten."""

    metric: str
    margins: dict[str, float] = Field(min_length=1, description="task → loss that is tolerated, above 0")

    @field_validator("margins")
    @classmethod
    def _margins_are_losses(cls, margins: dict[str, float]) -> dict[str, float]:
        if wrong := [task for task, margin in margins.items() if not 0 < margin <= 1]:
            raise ValueError(f"the margin of {wrong[0]} must lie in (0, 1]")
        return margins


class Card(Value):
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: str
    description: str
    licence: str
    scorers: tuple[str, ...] = Field(min_length=1)
    ask: Ask = Ask()
    tools: str = Field(
        default="", description="file of the OpenAI tools list, in the suite's folder or beside it"
    )
    documents: str = Field(
        default="", description="file of the documents that queries search, one JSON object a line"
    )
    personas: tuple[str, ...] = Field(
        default=(), description="names of persona cards, in the suite's folder personas or in one beside it"
    )
    seed: int = Field(description="that samples were drawn with; of answers and intervals")
    cluster: str = Field(
        default="", description="field whose equal values belong together, such as task or meta.subject"
    )
    by_task: bool = Field(default=False, description="whether each task has numbers of its own")
    baselines: tuple[Role, ...] = ()
    gates: tuple[GateCard, ...] = ()
    budget: BudgetCard | None = None
    judge: JudgeCard | None = None

    @model_validator(mode="after")
    def _differences_need_their_baseline(self) -> "Card":
        for gate in self.gates:
            if gate.bound.of_difference and gate.baseline not in self.baselines:
                raise ValueError(f"a gate on a difference from {gate.baseline} needs it among the baselines")
        if self.budget and not (self.by_task and self.baselines):
            raise ValueError("a budget needs by_task: true and a baseline")
        return self
