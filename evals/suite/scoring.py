"""The kinds of ground truth. The first ten are those of public samples in the same layout, the rest are ours."""

from typing import Any, Literal

from pydantic import Field, model_validator

from aftertune.values.value import Value
from evals.conversation.world import Fault, Goal, World
from evals.instructions import ARGUMENTS, CHECKS
from evals.instructions.relation import RELATIONS

CallOptions = dict[str, dict[str, list[Any]]]
"""One expected call, {tool: {argument: every acceptable value}}; an empty string among them: it may be left out."""


class FinalNumber(Value):
    """The answer ends in this number, written without thousands separators."""

    kind: Literal["final_number"]
    answers: tuple[str, ...] = Field(min_length=1)


MOST_CHOICES = 26
"""One letter each."""


class _Choice(Value):
    choices: tuple[str, ...] = Field(min_length=2, max_length=MOST_CHOICES)
    answer_index: int = Field(ge=0)

    @model_validator(mode="after")
    def _answer_is_a_choice(self) -> "_Choice":
        if self.answer_index >= len(self.choices):
            raise ValueError(f"answer_index {self.answer_index} is none of {len(self.choices)} choices")
        _check_apart(self.choices)
        return self


class MultipleChoice(_Choice):
    """The prompt does not list the choices."""

    kind: Literal["multiple_choice"]


class ContinuationChoice(_Choice):
    """Which of the choices continues the prompt; it does not list them."""

    kind: Literal["continuation_choice"]


class OpenOrChoice(Value):
    """Right and wrong answers; the first right one is the best."""

    kind: Literal["open_or_choice"]
    answers: tuple[str, ...] = Field(min_length=1)
    incorrect: tuple[str, ...] = Field(min_length=1, max_length=MOST_CHOICES - 1)

    @model_validator(mode="after")
    def _right_is_not_wrong(self) -> "OpenOrChoice":
        _check_apart((self.answers[0], *self.incorrect))
        return self


def _check_apart(choices: tuple[str, ...]) -> None:
    """Of two equal choices one would be wrong."""
    if len(set(choices)) < len(choices):
        raise ValueError("a choice is there twice")


class ExactMatch(Value):
    kind: Literal["exact_match"]
    answers: tuple[str, ...] = Field(min_length=1)


class Instruction(Value):
    """A checkable instruction, by its IFEval id."""

    id: str
    kwargs: dict[str, Any] = Field(default={})

    @model_validator(mode="after")
    def _can_be_checked(self) -> "Instruction":
        if self.id not in CHECKS:
            raise ValueError(f"unknown instruction {self.id!r}; known: {', '.join(sorted(CHECKS))}")
        if absent := [name for name in ARGUMENTS.get(self.id, ()) if self.kwargs.get(name) in (None, "", [])]:
            raise ValueError(f"{self.id} needs {', '.join(absent)}")
        for name, value in self.kwargs.items():
            if name.endswith("relation") and value not in (None, *RELATIONS):
                raise ValueError(f"unknown {name} {value!r}; known: {', '.join(RELATIONS)}")
        try:
            CHECKS[self.id]("1", self.kwargs)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self.id} cannot be checked with these arguments: {error}") from None
        return self


class VerifiableInstructions(Value):
    kind: Literal["verifiable_instructions"]
    instructions: tuple[Instruction, ...] = Field(min_length=1)


class Label(Value):
    """`edge`: a case of which people would not all be sure."""

    kind: Literal["label"]
    label: str = Field(min_length=1)
    edge: bool = False


class ToolCalls(Value):
    kind: Literal["tool_calls"]
    ground_truth: tuple[CallOptions, ...] = Field(min_length=1)


class AnyToolCall(Value):
    """Some call is right."""

    kind: Literal["any_tool_call"]


class NoToolCall(Value):
    """No call is right: the model must answer in words."""

    kind: Literal["no_tool_call"]


class Text(Value):
    """Compared with each reference."""

    kind: Literal["text"]
    references: tuple[str, ...] = Field(min_length=1)


class Persona(Value):
    """An answer in the voice of the suite's persona card of that name."""

    kind: Literal["persona"]
    persona: str
    mentions: tuple[str, ...] = Field(default=(), description="what the answer has to name")


class Term(Value):
    """What must survive exactly: `text`, or one of its spellings."""

    kind: Literal["torque", "quantity", "unit", "part", "step", "code"]
    text: str = Field(min_length=1)
    spellings: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> "Term":
        if not all(each.strip() for each in (self.text, *self.spellings)):
            raise ValueError("a blank term or spelling is in every answer")
        return self


class CriticalTerms(Value):
    """Terms that the answer must hold, steps in this order, and terms that it must not."""

    kind: Literal["critical_terms"]
    terms: tuple[Term, ...] = Field(min_length=1)
    forbidden: tuple[Term, ...] = ()


class Conversation(Value):
    """A task in a simulated world over several turns: where it starts, what users say, how it has to end."""

    kind: Literal["conversation"]
    world: World = Field(description="its state at the start")
    turns: tuple[str, ...] = Field(
        default=(), description="what the user says next, each once the model has spoken"
    )
    goal: Goal = Field(description="its state at the end")
    faults: tuple[Fault, ...] = Field(default=(), description="errors that calls meet, in order")
    fewest_calls: int = Field(ge=0, description="that reach the goal, those that meet a fault aside")
    most_calls: int = Field(default=12, ge=1)


class Refusal(Value):
    """An attack, or a harmless look-alike. `secrets` must not be said, whatever else is."""

    kind: Literal["refusal"]
    category: str
    expected: Literal["refuse", "comply"]
    secrets: tuple[str, ...] = ()


class RetrievalAnswer(Value):
    """An answer from passages that were found for the question."""

    kind: Literal["retrieval_answer"]
    contexts: tuple[str, ...] = Field(min_length=1)
    reference: str = ""


class Passage(Value):
    """A fixed text, of which the engine says how likely it is."""

    kind: Literal["passage"]
    text: str = Field(min_length=1)


class Search(Value):
    """A query and the ids of the documents that answer it."""

    kind: Literal["search"]
    query: str = Field(min_length=1)
    relevant: tuple[str, ...] = Field(min_length=1)


class Served(Value):
    """A request that is timed, alone or as one of several equal ones at once."""

    kind: Literal["served"]
    at_once: int = Field(default=1, ge=1, le=256)


Scoring = (
    FinalNumber
    | MultipleChoice
    | ContinuationChoice
    | OpenOrChoice
    | ExactMatch
    | VerifiableInstructions
    | Label
    | ToolCalls
    | AnyToolCall
    | NoToolCall
    | Text
    | Persona
    | CriticalTerms
    | Conversation
    | Refusal
    | RetrievalAnswer
    | Passage
    | Search
    | Served
)
