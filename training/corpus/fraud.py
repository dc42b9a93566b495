"""Insurance claims to be labelled, with a rule that can be learnt from the text alone."""

from random import Random

from training.corpus import wide
from training.corpus.held_out import draw_until
from training.corpus.phrasing import Phrasings
from training.corpus.sample import Message, Sample, Split

_DAMAGES = ("rear bumper", "side mirror", "windscreen", "kitchen ceiling", "laptop", "bicycle", "front door",
            "water pipe", "camera", "garage roof")  # fmt: skip
_ASK = Phrasings(
    train=(
        "Label this claim: {x}",
        "Claim: {x}",
        "Is this claim fraud? {x}",
        "Rate the risk of this claim: {x}",
    ),
    held_out=("Assess the following claim: {x}", "What label fits this claim? {x}"),
)
# Each flag is said in its harmless or its suspicious form; the risk only counts the suspicious ones.
_FLAGS = (
    (("photos attached", "clear photos"), ("no photos", "photos missing")),
    (("one witness", "two witnesses"), ("no witness", "witness unknown")),
    (("policy {n} years old", "insured for {n} years"), ("policy {n} days old", "insured {n} days ago")),
    (("first claim", "no earlier claims"), ("third claim this year", "{n} claims this year")),
)
_RISKS = ("0.1", "0.3", "0.5", "0.7", "0.9")


def fraud_sample(split: Split, rng: Random, breadth: float = 0.0) -> Sample:
    """A claim of four signs; risk 0.1 plus 0.2 for each suspicious one, fraud from 0.5 up."""

    def make(rng: Random) -> tuple[str, int]:
        suspicious = [rng.random() < 0.5 for _ in _FLAGS]
        signs = [
            rng.choice(flag[bad]).format(n=rng.randrange(3, 10))
            for flag, bad in zip(_FLAGS, suspicious, strict=True)
        ]
        amount = rng.randrange(2, 99) * 100
        return f"{rng.choice(_DAMAGES)} damaged, {amount} claimed, {', '.join(signs)}", sum(suspicious)

    claim, count = draw_until(make, lambda made: made[0], split != "train", rng)
    label = "fraud" if count >= 2 else "genuine"
    text = _ASK.pick(split == "held_out_phrasings", rng).format(x=claim)
    return Sample(
        (Message("user", wide.maybe_surround(text, breadth, rng)),),
        False,
        f"label: {label}; risk: {_RISKS[count]}",
        "fraud",
        split,
    )
