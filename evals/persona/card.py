"""A persona as a card, a YAML file in a folder `personas`. A trait is a question with observable anchors."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from aftertune.errors import BadInput
from aftertune.values.value import Value
from evals.suite.card import JudgeQuestion

FOLDER = "personas"


class Says(Value):
    """The answer holds the text."""

    kind: Literal["says"]
    text: str = Field(min_length=1)


class Brief(Value):
    """It is not empty, on at most so many lines and of at most so many words."""

    kind: Literal["brief"]
    words: int = Field(ge=1)
    lines: int = Field(default=1, ge=1)


class Avoids(Value):
    """None of the phrases is in it: whole words, whatever their case; `apolog*` stands for all that begins so.

    Without phrases of its own, those of the card's vocabulary.
    """

    kind: Literal["avoids"]
    phrases: tuple[str, ...] = ()


class Uses(Value):
    """At least `least` different phrases of the card's vocabulary are in it."""

    kind: Literal["uses"]
    least: int = Field(default=1, ge=1)


class InWords(Value):
    """No code, markup or call is in the text."""

    kind: Literal["in_words"]


class Grounded(Value):
    """Every number and every quotation was in the conversation."""

    kind: Literal["grounded"]


class Mentions(Value):
    """It names what the sample lists; a sample that lists nothing does not count."""

    kind: Literal["mentions"]


class ClaimsNoDeed(Value):
    """It does not say that something was done; only samples without tools count."""

    kind: Literal["claims_no_deed"]


class OnlyItself(Value):
    """No other persona of the suite is named in it; only suites with several personas have it."""

    kind: Literal["only_itself"]


Rule = Annotated[
    Says | Brief | Avoids | Uses | InWords | Grounded | Mentions | ClaimsNoDeed | OnlyItself,
    Field(discriminator="kind"),
]


class Contrast(Value):
    """Two sentences that say the same, with the trait and without it."""

    shown: str = Field(min_length=1)
    not_shown: str = Field(min_length=1)


class Trait(Value):
    """Whoever can see it measures it: a rule, judges who answer `question`, or a probe on `exemplars`."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    question: str = Field(default="", description="yes: the trait is there")
    yes_if: str = ""
    no_if: str = ""
    sentences: bool = Field(default=True, description="whether it is judged and probed sentence by sentence")
    rule: Rule | None = None
    meaning: str = Field(default="", description="of the rule, in a report; empty: its kind's")
    exemplars: tuple[Contrast, ...] = ()

    @model_validator(mode="after")
    def _somebody_can_see_it(self) -> "Trait":
        if not (self.question or self.rule or self.exemplars):
            raise ValueError(f"{self.name} has neither a question, nor a rule, nor exemplars")
        return self

    def for_judges(self) -> JudgeQuestion:
        return JudgeQuestion(
            metric=self.name,
            question=self.question,
            yes_if=self.yes_if,
            no_if=self.no_if,
            sentences=self.sentences,
        )


class Vocabulary(Value):
    """Phrases, as whole words whatever their case; a star at the end stands for any ending."""

    use: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()


class PersonaCard(Value):
    """`system` is the message that calls the persona up; samples hold it word for word."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    called: str = Field(min_length=1, description="the name it gives itself")
    system: str = Field(min_length=1)
    vocabulary: Vocabulary = Vocabulary()
    never: tuple[str, ...] = Field(default=(), description="what it never does, in words")
    traits: tuple[Trait, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _trait_names_are_unique(self) -> "PersonaCard":
        names = [trait.name for trait in self.traits]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two traits are named {min(twice)}")
        return self

    def asked(self) -> tuple[Trait, ...]:
        """What judges are asked for: the traits with a question, and whether it keeps off what it never does."""
        asked = tuple(trait for trait in self.traits if trait.question)
        if not self.never:
            return asked
        never = Trait(
            name="keeps_off",
            question="Does the answer keep off everything in the list?",
            yes_if="Nothing in the list was done.",
            no_if=f"One of these was done: {' '.join(self.never)}",
            sentences=False,
        )
        return (*asked, never)

    def probed(self) -> tuple[Trait, ...]:
        return tuple(trait for trait in self.traits if trait.exemplars)


def load_personas(suite: Path, names: Sequence[str]) -> Mapping[str, PersonaCard]:
    """The named cards, from `personas` in the suite's folder or beside it. Raises BadInput that names the file."""
    return {name: _load(suite, name) for name in names}


def _load(suite: Path, name: str) -> PersonaCard:
    own = suite / FOLDER / f"{name}.yaml"
    file = own if own.exists() else suite.parent / FOLDER / f"{name}.yaml"
    try:
        card = PersonaCard.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{file} is wrong at {where or 'its top'}: {first['msg']}.") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BadInput(f"{file} cannot be read: {error}.") from None
    if card.name != name:
        raise BadInput(f"{file} names the persona {card.name!r}.", f"Name it {name!r}.")
    return card
