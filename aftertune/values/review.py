"""Human review: what people are asked about answers, what they say, and what it adds up to.

A campaign shows one answer (a rubric) or two (a blind comparison) to at least two people each. Until it is closed
nobody is told which of two answers is whose; `Side` 0 is the one compared with, side 1 the one under test.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import Field, model_validator

from aftertune.values.value import Value

RATERS = 2
"""People who rate an item before it counts as rated."""

SLUG = r"^[a-z][a-z0-9_]{0,39}$"


class Scale(StrEnum):
    """one_to_five: 1 (worst) to 5. yes_no: 0 or 1. preference: −1 side 0 is better, 0 a tie, 1 side 1 is better."""

    ONE_TO_FIVE = "one_to_five"
    YES_NO = "yes_no"
    PREFERENCE = "preference"

    @property
    def values(self) -> tuple[int, ...]:
        """All answers that count, from low to high."""
        return _VALUES[self]


_VALUES = {Scale.ONE_TO_FIVE: (1, 2, 3, 4, 5), Scale.YES_NO: (0, 1), Scale.PREFERENCE: (-1, 0, 1)}


class Criterion(Value):
    """One question. `anchors` say what each value means, from low to high; a preference needs none."""

    name: str = Field(pattern=SLUG)
    question: str = Field(min_length=1, max_length=500)
    scale: Scale
    anchors: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _every_value_is_anchored(self) -> "Criterion":
        wanted = 0 if self.scale is Scale.PREFERENCE else len(self.scale.values)
        if len(self.anchors) != wanted:
            raise ValueError(f"{self.name}: {self.scale} takes {wanted} anchors, not {len(self.anchors)}")
        if any(not anchor.strip() or len(anchor) > 300 for anchor in self.anchors):
            raise ValueError(f"{self.name}: an anchor has 1 to 300 characters")
        return self


class Form(Value):
    """What is asked about each item: a rubric, or a comparison. Every form has the safety box beside it."""

    name: str = Field(pattern=SLUG)
    instructions: str = Field(default="", max_length=4000)
    criteria: tuple[Criterion, ...] = Field(min_length=1, max_length=12)

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> "Form":
        names = [criterion.name for criterion in self.criteria]
        if len(set(names)) < len(names):
            raise ValueError("two criteria have the same name")
        if len({criterion.scale is Scale.PREFERENCE for criterion in self.criteria}) > 1:
            raise ValueError("a form is a rubric or a comparison: preferences do not go with other scales")
        return self

    @property
    def compares(self) -> bool:
        """Whether it asks about two answers side by side."""
        return self.criteria[0].scale is Scale.PREFERENCE


class SourceKind(StrEnum):
    """run: the answers of one release in a suite's run. runs: two releases' to the same samples. pairs: a rollout's."""

    RUN = "run"
    RUNS = "runs"
    PAIRS = "pairs"


class Side(Value):
    """Whose answers; `run` is empty for live pairs."""

    release: str
    run: str = ""


class Source(Value):
    kind: SourceKind
    sides: tuple[Side, ...] = Field(min_length=1, max_length=2)
    rollout: str = ""
    suite: str = ""
    dataset: str = Field(default="", description="SHA-256 over the suite's samples: where the questions are")


class Risk(StrEnum):
    """Why an item was taken, the most pressing first; `random`: by lot, from all that the others left."""

    FLIPPED = "flipped"
    SCORERS_DISAGREE = "scorers_disagree"
    LOW_SCORE = "low_score"
    REFUSAL = "refusal"
    LONG = "long"
    RANDOM = "random"


class ReviewItem(Value):
    """One question with its answers, by reference: texts stay where they are stored, and go when they go."""

    campaign: str
    id: str
    position: int = Field(ge=0, description="the riskiest first")
    subject: str = Field(description="the sample's id, or the pair's")
    probability: float = Field(gt=0, le=1, description="that it was taken into the campaign")
    reasons: tuple[Risk, ...]


class CampaignState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class Campaign(Value):
    """`seed` decides what was drawn and which answer stands left: a secret until the campaign is closed."""

    id: str
    title: str = Field(min_length=1, max_length=200)
    form: Form
    source: Source
    seed: str
    state: CampaignState = CampaignState.OPEN
    items: int = Field(ge=1)
    frame: int = Field(ge=1, description="candidates that the items were drawn from")
    left_out: int = Field(default=0, ge=0, description="candidates without a stored question or answer")
    opened_by: str
    opened_at: datetime
    closed_by: str = ""
    closed_at: datetime | None = None

    @property
    def closed(self) -> bool:
        return self.state is CampaignState.CLOSED


class SafetyCategory(StrEnum):
    HARMFUL = "harmful"
    DANGEROUS_ERROR = "dangerous_error"
    PRIVACY = "privacy"
    LEAKAGE = "leakage"
    BIAS = "bias"
    OTHER = "other"


class Safety(Value):
    """A reviewer's warning; it brings the item to the top of everybody's queue."""

    category: SafetyCategory
    note: str = Field(default="", max_length=2000)


class Rating(Value):
    """What one person said of one item; None: cannot tell. `swapped`: side 1 stood on the left for this person."""

    campaign: str
    item: str
    reviewer: str
    at: datetime
    adjudication: bool = Field(default=False, description="a third person's word where two disagreed")
    swapped: bool = False
    values: dict[str, int | None]
    why: str = Field(default="", max_length=4000)
    safety: Safety | None = None


class Progress(Value):
    """Items by how far they are; `disagreements` are rated items whose raters differ and nobody has decided."""

    items: int
    rated: int
    begun: int
    disagreements: int
    adjudicated: int
    flagged: int


class Agreement(Value):
    """One coefficient with its bootstrap interval over items; None where it is not defined."""

    criterion: str
    statistic: str = Field(description="krippendorff_alpha or cohen_kappa, with what it weighs by")
    raters: tuple[str, ...] = Field(description="of a kappa; empty for everybody")
    n: int = Field(ge=0, description="items that two of them rated")
    estimate: float | None
    low: float | None
    high: float | None
    confidence: float = 0.95
    method: str


class Finding(Value):
    """The mean label of a side over the whole frame, each item weighted by 1 / its probability.

    Of a preference: the share that prefers side 1, a tie counting half.
    """

    criterion: str
    release: str
    n: int = Field(ge=0, description="items with a settled label")
    unsettled: int = Field(
        ge=0, description="items without: rated by fewer than two who could tell, or undecided"
    )
    frame: int
    estimate: float | None
    low: float | None
    high: float | None
    confidence: float = 0.95
    method: str


class Results(Value):
    """`left_preferred` of `left_decided` preferences went to the answer on the left: far from half is a position bias."""

    campaign: str
    progress: Progress
    agreements: tuple[Agreement, ...]
    findings: tuple[Finding, ...]
    left_preferred: int = 0
    left_decided: int = 0
