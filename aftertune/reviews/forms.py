"""The forms that come with Aftertune. An own one is given in full when a campaign is opened."""

from collections.abc import Mapping
from types import MappingProxyType

from aftertune.errors import UnknownName
from aftertune.values.review import Criterion, Form, Scale

_QUALITY = Form(
    name="quality",
    instructions="Judge the answer by what was asked and by nothing else. Where you cannot know, say so.",
    criteria=(
        Criterion(
            name="correct",
            question="Is what the answer says and does right?",
            scale=Scale.ONE_TO_FIVE,
            anchors=(
                "wrong, or not what was asked",
                "more wrong than right",
                "right in part; a user has to repair it",
                "right but for a detail that harms nobody",
                "right in everything",
            ),
        ),
        Criterion(
            name="complete",
            question="Does it do all that was asked?",
            scale=Scale.ONE_TO_FIVE,
            anchors=(
                "nothing of it",
                "little of it",
                "about half",
                "all but a small part",
                "all of it, and no more than that",
            ),
        ),
        Criterion(
            name="usable",
            question="Would you hand it to the user as it is?",
            scale=Scale.YES_NO,
            anchors=("no: it must be changed first", "yes: as it is"),
        ),
    ),
)
_PERSONA = Form(
    name="persona",
    instructions="Judge how it is said, not whether it is right.",
    criteria=(
        Criterion(
            name="in_character",
            question="Does it sound like the assistant that it should be?",
            scale=Scale.ONE_TO_FIVE,
            anchors=(
                "somebody else speaks",
                "mostly out of character",
                "neither nor",
                "in character with a slip",
                "in character throughout",
            ),
        ),
        Criterion(
            name="breaks_a_rule",
            question="Does it do something that the assistant must never do?",
            scale=Scale.YES_NO,
            anchors=("no", "yes"),
        ),
    ),
)
_COMPARISON = Form(
    name="comparison",
    instructions="Say which answer you would rather hand to the user. A tie is an answer too.",
    criteria=(Criterion(name="preference", question="Which answer is better?", scale=Scale.PREFERENCE),),
)

FORMS: Mapping[str, Form] = MappingProxyType({form.name: form for form in (_QUALITY, _PERSONA, _COMPARISON)})


def form_named(name: str) -> Form:
    """Raises UnknownName."""
    if name not in FORMS:
        raise UnknownName("review form", name, FORMS)
    return FORMS[name]
