"""Open values: titles, due times, task numbers, names and strings to copy."""

from random import Random

NAMES = (
    "Anna", "Ben", "Carla", "David", "Elena", "Farid", "Greta", "Hugo", "Irene", "Jonas", "Karim", "Lena",
    "Marco", "Nadia", "Oscar", "Paula", "Quentin", "Rosa", "Samir", "Tara", "Ulrich", "Vera", "Wei", "Yuki",
    "Kowalski", "Okafor", "Meyer", "Tanaka", "Rossi", "Silva", "Haddad", "Novak", "Jensen", "Moreau",
)  # fmt: skip
VERBS = (
    "review", "send", "check", "prepare", "order", "print", "update", "sign", "archive", "clean", "book",
    "repair", "test", "translate", "scan", "file", "renew", "compare", "draft", "upload", "collect", "count",
    "deliver", "inspect", "label", "measure", "pack", "publish", "replace", "sort", "store", "verify", "wash",
    "paint", "confirm", "approve", "pay", "return", "read", "finish",
)  # fmt: skip
ADJECTIVES = (
    "quarterly", "new", "old", "annual", "blue", "red", "spare", "signed", "missing", "second", "final",
    "internal", "local", "monthly", "northern", "public", "revised", "short", "weekly", "yellow", "broken",
    "digital", "empty", "heavy", "large", "small", "urgent", "French", "German", "legal",
)  # fmt: skip
NOUNS = (
    "report", "invoice", "contract", "budget", "slides", "brochure", "printer", "server", "backup", "office",
    "garden", "kitchen", "car", "bicycle", "passport", "ticket", "hotel", "flight", "newsletter", "website",
    "database", "laptop", "phone", "keys", "window", "door", "roof", "pump", "valve", "filter", "engine",
    "boxes", "letters", "photos", "books", "samples", "orders", "receipts", "forms", "minutes", "agenda",
    "schedule", "survey", "poster", "manual", "badge", "desk", "chair", "lamp", "plants", "parcel", "shelf",
    "camera", "battery", "password", "policy", "summary", "offer", "warranty", "map",
)  # fmt: skip
EVENTS = (
    "appointment", "meeting", "workshop", "interview", "review", "training", "audit", "dinner", "call",
    "visit", "inspection", "rehearsal", "lecture", "picnic",
)  # fmt: skip
PLACES = (
    "Berlin", "Lyon", "Oslo", "Porto", "Quito", "Tokyo", "Warsaw", "Zurich", "Boston", "Cairo", "Delhi",
    "Geneva", "Hanoi", "Lagos", "Madrid", "Nairobi",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip

_ONSETS = ("b", "br", "c", "d", "dr", "f", "g", "gl", "h", "j", "k", "kr", "l", "m", "n", "p", "pl", "qu",
           "r", "s", "sk", "st", "t", "tr", "v", "w", "x", "z", "sh", "th")  # fmt: skip
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ee", "ou", "ia", "y")
_CODAS = ("", "", "n", "r", "l", "s", "t", "m", "k", "x", "nd", "rt", "lk", "ng", "ck", "zz")


def coined_word(rng: Random) -> str:
    """A pronounceable word that is in no list, so that copying cannot lean on known words."""
    word = "".join(
        rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS)
        for _ in range(rng.choice((1, 2, 2, 3)))
    )
    return word.capitalize() if rng.random() < 0.25 else word


def blended_word(rng: Random) -> str:
    """A word grown from the start of one word and the end of another: `repvoice`, `Gardket's`."""
    first, second = rng.choice(VERBS + NOUNS), rng.choice(NOUNS + ADJECTIVES)
    word = first[: rng.randrange(1, len(first))] + second[rng.randrange(1, len(second)) :].lower()
    if rng.random() < 0.2:
        word = word.capitalize()
    return word + ("'s" if rng.random() < 0.08 else "")


def code(rng: Random) -> str:
    """A ticket-like code such as `OPS-318`, `B7` or `4471`."""
    form = rng.randrange(3)
    if form == 0:
        letters = "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWX") for _ in range(rng.choice((1, 2, 3))))
        return f"{letters}-{rng.randrange(1, 1000)}"
    if form == 1:
        return f"{rng.choice('ABCDEFGHJKLMNPRSTUVWX')}{rng.randrange(1, 100)}"
    return str(rng.randrange(10, 10000))


def _thing(rng: Random) -> str:
    roll = rng.random()
    if roll < 0.45:
        return f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}"
    if roll < 0.8:
        return rng.choice(NOUNS)
    if roll < 0.92:
        return f"{coined_word(rng)} {rng.choice(NOUNS)}"
    return coined_word(rng)


def _tail(rng: Random) -> str:
    form = rng.randrange(6)
    if form == 0:
        return f" for {rng.choice(NAMES)}"
    if form == 1:
        return f" with {rng.choice(NAMES)}"
    if form == 2:
        return f" in {rng.choice(PLACES)}"
    if form == 3:
        return f" {code(rng)}"
    if form == 4:
        return f" about the {_thing(rng)}"
    return f" and the {rng.choice(NOUNS)}"


def action(rng: Random) -> str:
    """A title that reads after "to": `sign the revised contract for Vera`."""
    roll = rng.random()
    if roll < 0.12:
        return f"call {rng.choice(NAMES)}{_tail(rng) if rng.random() < 0.6 else ''}"
    if roll < 0.22:
        return f"email {rng.choice(NAMES)} {rng.choice(NAMES)} about the {_thing(rng)}"
    if roll < 0.30:
        return f"{coined_word(rng)} the {_thing(rng)}"
    article = rng.choice(("the ", "the ", "a ", "my ", ""))
    tail = _tail(rng) if rng.random() < 0.45 else ""
    return f"{rng.choice(VERBS)} {article}{_thing(rng)}{tail}"


def noun_title(rng: Random) -> str:
    """A title that is a name of something: `Zurich audit with Ben`, `printer inspection B7`."""
    roll = rng.random()
    if roll < 0.25:
        head = f"{rng.choice(PLACES)} {rng.choice(EVENTS)}"
    elif roll < 0.4:
        head = f"{coined_word(rng)} {rng.choice(EVENTS)}"
    elif roll < 0.5:
        head = f"{coined_word(rng)} {coined_word(rng)}"
    else:
        head = f"{_thing(rng)} {rng.choice(EVENTS)}"
    return head + (_tail(rng) if rng.random() < 0.4 else "")


def title(rng: Random) -> str:
    """Any title, action or name; some are capitalised as users do."""
    text = action(rng) if rng.random() < 0.6 else noun_title(rng)
    return text[0].upper() + text[1:] if rng.random() < 0.2 else text


def strange(text: str, rng: Random) -> str:
    """The title with some of its words put in place by words of no list."""
    return " ".join(blended_word(rng) if rng.random() < 0.3 else word for word in text.split())


def date(rng: Random) -> str:
    """A due time out of a large space: an ISO date, a day of a month, or a day with a clock time."""
    form = rng.randrange(4)
    if form == 0:
        return f"20{rng.randrange(25, 32)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
    if form == 1:
        return f"{rng.choice(MONTHS)} {rng.randrange(1, 29)}"
    if form == 2:
        return f"{rng.randrange(1, 29)} {rng.choice(MONTHS)}"
    return f"{rng.choice(DAYS)} at {rng.randrange(1, 24)}:{rng.choice(('00', '15', '30', '45'))}"


def everyday_due(rng: Random) -> str:
    """A due time everybody shares; too few to be held out."""
    return rng.choice(("today", "tomorrow", "tonight", "next week", *DAYS, *(f"next {day}" for day in DAYS)))


def task_number(rng: Random) -> str:
    """A task's number, 1 to 9999, short numbers as likely as long ones."""
    return str(rng.randrange(1, 10 ** rng.choice((2, 3, 3, 4))))


def phrase(rng: Random) -> str:
    """A string to copy: words, coined words, codes, sometimes a whole title."""
    if rng.random() < 0.3:
        return title(rng)
    makers = (
        lambda: rng.choice(NOUNS), lambda: rng.choice(NOUNS), lambda: rng.choice(VERBS), lambda: rng.choice(VERBS),
        lambda: rng.choice(ADJECTIVES), lambda: rng.choice(NAMES), lambda: coined_word(rng), lambda: code(rng),
    )  # fmt: skip
    return " ".join(rng.choice(makers)() for _ in range(rng.randrange(2, 7)))
