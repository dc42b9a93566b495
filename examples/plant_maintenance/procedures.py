"""Procedures of invented plants: machines, bolts, torques, part numbers and steps, drawn at random.

No plant, machine or part in it exists.
"""

import random
from dataclasses import dataclass

PLANTS = ("Ostwerk", "Calder Mill", "Rio Verde", "Hafen Nord", "Kestrel Ridge", "Lund Papper")
MACHINES = ("feed pump", "gearbox", "screw compressor", "belt conveyor")
BOLTS = ("M8×25", "M10×30", "M12×40", "M16×60", "M20×80")
TORQUES = (10, 24, 25, 48, 52, 86, 110, 180, 205, 390)

_SAFETY = ("lock out the main switch", "lock out the drive", "hang the danger tag")
_RELEASE = {
    "feed pump": ("close both isolating valves", "drain the casing"),
    "gearbox": ("let the oil cool down", "drain the oil"),
    "screw compressor": ("vent the pressure vessel", "close the outlet valve"),
    "belt conveyor": ("slacken the belt", "wedge the counterweight"),
}
_WORK = {
    "feed pump": "replace the shaft seal",
    "gearbox": "replace the output bearing",
    "screw compressor": "replace the oil separator",
    "belt conveyor": "replace the idler",
}
_LETTERS = {"feed pump": "FP", "gearbox": "GX", "screw compressor": "SC", "belt conveyor": "BC"}


@dataclass(frozen=True)
class Fixing:
    """Bolts and their torque in newton metres."""

    where: str
    bolt: str
    torque: int

    @property
    def spec(self) -> str:
        return f"{self.torque} N·m"


@dataclass(frozen=True)
class Procedure:
    """`steps` come in this order. `parts`: number and what it is."""

    plant: str
    machine: str
    code: str
    fixings: tuple[Fixing, Fixing]
    parts: tuple[tuple[str, str], ...]
    steps: tuple[str, ...]
    pressure: str
    temperature: str

    def text(self) -> str:
        fixings = "\n".join(f"- {each.where}: {each.bolt}, {each.spec}" for each in self.fixings)
        parts = "\n".join(f"- {number}: {name}" for number, name in self.parts)
        steps = "\n".join(f"{number}. {step.capitalize()}." for number, step in enumerate(self.steps, 1))
        return (
            f"Procedure {self.code}, {self.plant}, {self.machine}\n"
            f"Steps:\n{steps}\nFixings:\n{fixings}\nParts:\n{parts}\n"
            f"Test pressure: {self.pressure}. Highest oil temperature: {self.temperature}."
        )


def procedures(seed: int) -> tuple[Procedure, ...]:
    """One for each machine of each plant. Equal seeds give equal procedures."""
    rng = random.Random(seed)
    return tuple(_procedure(rng, plant, machine) for plant in PLANTS for machine in MACHINES)


def _procedure(rng: random.Random, plant: str, machine: str) -> Procedure:
    letters, (first, second) = _LETTERS[machine], rng.sample(TORQUES, 2)
    bolts = rng.sample(BOLTS, 2)
    number = rng.randrange(100, 1000)
    return Procedure(
        plant=plant,
        machine=machine,
        code=f"{letters}-{number}-{rng.choice('ABCD')}",
        fixings=(Fixing("cover", bolts[0], first), Fixing("foot", bolts[1], second)),
        parts=(
            (f"{letters}{rng.randrange(10, 100)}-{rng.randrange(1000, 10000)}", "seal kit"),
            (f"{letters}{rng.randrange(10, 100)}-{rng.randrange(1000, 10000)}-L", "bearing"),
        ),
        steps=(
            rng.choice(_SAFETY),
            *rng.sample(_RELEASE[machine], 2),
            "open the cover",
            _WORK[machine],
            rng.choice(("close the cover", "refit the cover")),
        ),
        pressure=f"{rng.choice((2.5, 4, 6, 6.5, 10, 16)):g} bar",
        temperature=f"{rng.choice((65, 80, 95, 110))} °C",
    )
