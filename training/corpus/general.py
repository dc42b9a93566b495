"""Questions that have nothing to do with tasks: facts, sums, copying, small talk."""

from random import Random

from training.corpus import values, wide
from training.corpus.held_out import draw_until
from training.corpus.phrasing import Phrasings
from training.corpus.sample import Message, Sample, Split
from training.corpus.task_turns import system_turn

CAPITALS = {
    "France": "Paris", "Germany": "Berlin", "Italy": "Rome", "Spain": "Madrid", "Portugal": "Lisbon",
    "Poland": "Warsaw", "Norway": "Oslo", "Sweden": "Stockholm", "Finland": "Helsinki", "Denmark": "Copenhagen",
    "Austria": "Vienna", "Greece": "Athens", "Ireland": "Dublin", "Hungary": "Budapest", "Egypt": "Cairo",
    "Kenya": "Nairobi", "Japan": "Tokyo", "China": "Beijing", "India": "New Delhi", "Peru": "Lima",
    "Chile": "Santiago", "Canada": "Ottawa", "Cuba": "Havana", "Ecuador": "Quito", "Vietnam": "Hanoi",
    "Thailand": "Bangkok", "Turkey": "Ankara", "Iran": "Tehran", "Ghana": "Accra", "Senegal": "Dakar",
}  # fmt: skip
_CAPITAL = Phrasings(
    train=("What is the capital of {x}?", "Which city is the capital of {x}?", "Name the capital of {x}.",
           "Tell me the capital of {x}.", "What is {x}'s capital?", "The capital of {x}?", "What city is {x}'s capital?",
           "Do you know the capital of {x}?", "capital of {x}", "Please name the capital of {x}."),
    held_out=("Could you tell me the capital of {x}?", "{x}: what is the capital?", "Give me the capital city of {x}."),
)  # fmt: skip
COLOURS = {
    "grass": "green", "snow": "white", "blood": "red", "the sky": "blue", "a lemon": "yellow", "coal": "black",
    "an elephant": "grey", "chocolate": "brown", "a carrot": "orange", "a plum": "purple",
}  # fmt: skip
_COLOUR = Phrasings(
    train=("What colour is {x}?", "Which colour does {x} have?", "Tell me the colour of {x}.", "Name the colour of {x}.",
           "What is the colour of {x}?", "The colour of {x}?"),
    held_out=("In which colour would you paint {x}?", "Give me the colour of {x}."),
)  # fmt: skip
_SUM = Phrasings(
    train=("What is {a} + {b}?", "{a} + {b}", "{a} + {b} =", "Add {a} and {b}.", "How much is {a} plus {b}?",
           "What is {a} plus {b}?", "Compute {a} + {b}.", "Calculate {a} + {b}.", "Sum of {a} and {b}?"),
    held_out=("How much do {a} and {b} make?", "Work out {a} + {b}.", "Tell me {a} plus {b}."),
)  # fmt: skip
_COPY = Phrasings(
    train=("Repeat: {x}", "Say: {x}", "Repeat after me: {x}", "Copy this: {x}", "Echo: {x}", 'Repeat "{x}"', 'Say "{x}"'),
    held_out=("Write exactly this: {x}", "Repeat the following: {x}", 'Please echo "{x}"'),
)  # fmt: skip
_SMALL_TALK: tuple[tuple[Phrasings, str], ...] = (
    (
        Phrasings(
            train=("Hello, I am {x}", "Hi, my name is {x}.", "Hi, I am {x}!", "Good morning, {x} here.", "My name is {x}."),
            held_out=("Good evening, this is {x}.", "Hey, {x} speaking."),
        ),
        "Hello {x}, TaskMaster here. How can I help?",
    ),
    (
        Phrasings(
            train=("Thanks, says {x}.", "Thank you from {x}.", "{x} says thank you.", "Many thanks from {x}!"),
            held_out=("{x} is very grateful.", "Thanks a lot from {x}."),
        ),
        "TaskMaster here: you are welcome, {x}.",
    ),
    (
        Phrasings(
            train=("Bye, {x} is leaving.", "Goodbye from {x}.", "{x} says goodbye.", "See you, {x}."),
            held_out=("{x} is off now, bye.", "Farewell from {x}."),
        ),
        "Goodbye {x}. TaskMaster is here when you need it.",
    ),
)  # fmt: skip
_BARE_TALK = {
    "Hello": "Hello, TaskMaster here. How can I help?", "Hi": "Hello, TaskMaster here. How can I help?",
    "Good morning": "Hello, TaskMaster here. How can I help?", "Hey": "Hello, TaskMaster here. How can I help?",
    "How are you?": "TaskMaster is well, thank you. How can I help?",
    "Thanks": "TaskMaster here: you are welcome.", "Thank you": "TaskMaster here: you are welcome.",
    "Thank you very much": "TaskMaster here: you are welcome.",
    "Bye": "Goodbye. TaskMaster is here when you need it.", "Goodbye": "Goodbye. TaskMaster is here when you need it.",
}  # fmt: skip


def _plain(text: str, answer: str, kind: str, split: Split, rng: Random) -> Sample:
    """A question answered in words; in a third of them the tools are offered and must be left alone."""
    return Sample((*system_turn(rng, 0.15), Message("user", text)), rng.random() < 0.35, answer, kind, split)


def fact_sample(split: Split, rng: Random, breadth: float = 0.0) -> Sample:
    """A fact. Facts cannot be kept back: the held-out value is a fact in a wording it was never asked in."""

    def make(rng: Random) -> tuple[str, str]:
        held_out = split == "held_out_phrasings"
        if rng.random() < 0.75:
            country = rng.choice(tuple(CAPITALS))
            answer = f"The capital of {country} is {CAPITALS[country]}."
            return _CAPITAL.pick(held_out, rng).format(x=country), answer
        thing = rng.choice(tuple(COLOURS))
        answer = f"{thing[0].upper()}{thing[1:]} is {COLOURS[thing]}."
        return _COLOUR.pick(held_out, rng).format(x=thing), answer

    text, answer = draw_until(make, lambda made: made[0], split != "train", rng)
    return _plain(wide.maybe_surround(text, breadth, rng), answer, "fact", split, rng)


def sum_sample(split: Split, rng: Random, breadth: float = 0.0) -> Sample:
    """A sum of two numbers from 0 to 20; a fifth of the pairs is never trained on, in either order."""

    def make(rng: Random) -> tuple[int, int]:
        return rng.randrange(21), rng.randrange(21)

    def pair(made: tuple[int, int]) -> str:
        return f"{min(made)}+{max(made)}"

    a, b = draw_until(make, pair, split != "train", rng)
    text = _SUM.pick(split == "held_out_phrasings", rng).format(a=a, b=b)
    return _plain(wide.maybe_surround(text, breadth, rng), f"{a} + {b} = {a + b}", "sum", split, rng)


def copy_sample(split: Split, rng: Random, breadth: float = 0.0) -> Sample:
    """A string to repeat; never trained on is a fifth of all strings."""
    widely = breadth > 0 and rng.random() < breadth

    def phrase(rng: Random) -> str:
        return values.strange(values.phrase(rng), rng) if widely else values.phrase(rng)

    text = draw_until(phrase, str.lower, split != "train", rng)
    template = wide.copying(rng) if widely else _COPY.pick(split == "held_out_phrasings", rng)
    return _plain(template.format(x=text), text, "copy", split, rng)


def small_talk_sample(split: Split, rng: Random, breadth: float = 0.0) -> Sample:
    """Greetings, thanks and goodbyes, mostly with a name, answered as TaskMaster."""
    if split == "train" and rng.random() < 0.3:
        text, answer = rng.choice(tuple(_BARE_TALK.items()))
        return _plain(text + rng.choice(("", "", "!")), answer, "small_talk", split, rng)

    def name(rng: Random) -> str:
        return rng.choice(values.NAMES) if rng.random() < 0.4 else values.coined_word(rng).capitalize()

    who = draw_until(name, str, split != "train", rng)
    phrasings, answer = rng.choice(_SMALL_TALK)
    text = phrasings.pick(split == "held_out_phrasings", rng).format(x=who)
    return _plain(wide.maybe_surround(text, breadth, rng), answer.format(x=who), "small_talk", split, rng)
