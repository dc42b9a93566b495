"""Plant maintenance: parts, where they sit and how tight they are done up."""

from random import Random

from training.corpus import wide
from training.corpus.held_out import draw_until
from training.corpus.phrasing import Phrasings
from training.corpus.sample import Message, Sample, Split

# Part number: (what it is, torque in newton metres).
PARTS = {
    "P-104": ("pump flange bolt", 85), "P-117": ("pump cover screw", 24), "P-231": ("valve bonnet nut", 140),
    "P-246": ("valve stem clamp", 18), "P-308": ("gearbox foot bolt", 210), "P-319": ("gearbox drain plug", 45),
    "P-402": ("motor mount bolt", 95), "P-415": ("motor fan screw", 12), "P-523": ("conveyor roller nut", 60),
    "P-538": ("conveyor guard screw", 9), "P-607": ("boiler hatch bolt", 180), "P-629": ("boiler gauge fitting", 32),
    "P-711": ("turbine casing stud", 320), "P-742": ("turbine sensor boss", 28), "P-806": ("press frame bolt", 400),
    "P-833": ("press ram pin", 150),
}  # fmt: skip
_TORQUE = Phrasings(
    train=("What is the torque for part {part}?", "Torque of {part}?", "How tight is {part}?",
           "Which torque does {part} need?", "What is the torque of the {name}?", "Torque for the {name}?",
           "How many Nm for {part}?", "Tell me the torque for {part}."),
    held_out=("With what torque do I fasten {part}?", "Give me the torque for the {name}."),
)  # fmt: skip
_NUMBER = Phrasings(
    train=("What is the part number of the {name}?", "Which part is the {name}?", "Part number of the {name}?",
           "Tell me the part number of the {name}."),
    held_out=("What number does the {name} have?", "Give me the part number of the {name}."),
)  # fmt: skip
_NAME = Phrasings(
    train=(
        "What is part {part}?",
        "What is {part}?",
        "Which part has the number {part}?",
        "Describe part {part}.",
    ),
    held_out=("Tell me what {part} is.", "What kind of part is {part}?"),
)


def plant_sample(split: Split, rng: Random, breadth: float = 0.0) -> Sample:
    """A question about one part; held out are parts in a wording they were never asked about in."""

    def make(rng: Random) -> tuple[str, str]:
        part = rng.choice(tuple(PARTS))
        name, torque = PARTS[part]
        asked, answer = rng.choice(
            (
                (_TORQUE, f"The {name} {part} takes {torque} Nm."),
                (_NUMBER, f"The {name} is part {part}."),
                (_NAME, f"Part {part} is the {name}."),
            )
        )
        return asked.pick(split == "held_out_phrasings", rng).format(part=part, name=name), answer

    text, answer = draw_until(make, lambda made: made[0], split != "train", rng)
    return Sample((Message("user", wide.maybe_surround(text, breadth, rng)),), False, answer, "plant", split)
