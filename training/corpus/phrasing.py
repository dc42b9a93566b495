"""Ways to say things, those of training apart from those that are kept back."""

from dataclasses import dataclass
from random import Random

_OPENERS = (
    "",
    "",
    "",
    "",
    "Please ",
    "Hi, ",
    "Hello, please ",
    "Hey TaskMaster, ",
    "OK, ",
    "Can you ",
    "Could you ",
)
_OPENERS_HELD_OUT = ("", "Good morning, ", "Now ", "TaskMaster, please ", "Would you kindly ")
_CLOSERS = ("", "", "", "", " Thanks.", " Thank you!", " That is all.", " I nearly forgot.")
_CLOSERS_HELD_OUT = ("", " Many thanks!", " Cheers.", " It matters to me.")
_QUESTIONS = ("Can you ", "Could you ", "Would you kindly ")


@dataclass(frozen=True)
class Phrasings:
    """Templates for one intent. Imperative ones start with a small letter and may follow an opener."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]

    def pick(self, held_out: bool, rng: Random) -> str:
        return rng.choice(self.held_out if held_out else self.train)


def dress(sentence: str, held_out: bool, rng: Random) -> str:
    """Puts an opener, end mark and closer around an imperative or statement.

    A sentence that starts with a small letter is an imperative and may be opened by
    "Please" or "Can you"; any other is left as it begins.
    """
    openers, closers = (_OPENERS_HELD_OUT, _CLOSERS_HELD_OUT) if held_out else (_OPENERS, _CLOSERS)
    opener = rng.choice(openers) if sentence[0].islower() else ""
    if not opener:
        capital = rng.random() < 0.8
        sentence = (sentence[0].upper() if capital else sentence[0]) + sentence[1:]
    if sentence[-1] in "?!.":
        mark = ""
    elif opener in _QUESTIONS:
        mark = "?"
    else:
        mark = rng.choice((".", ".", ".", "", "!"))
    closer = rng.choice(closers) if mark or sentence[-1] in "?!." else ""
    return f"{opener}{sentence}{mark}{closer}"
