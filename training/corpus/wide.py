"""Many more ways to say the same, put together from parts: what `v3` learns from and `v1` does not.

No combination is a held-out phrasing; a test looks for the words that only those use.
"""

from random import Random

from training.corpus import values


def _any(rng: Random, *parts: str) -> str:
    return rng.choice(parts)


def create(rng: Random) -> str:
    """A template for a new task, slots as in `requests`."""
    if rng.random() < 0.3:
        start = _any(
            rng, "I should", "I ought to", "we have to", "We should", "I plan to", "I am going to", "It is time to",
            "do not let me forget to", "tell me to", "My next job is to", "I was asked to", "I will have to", "see that I",
        )  # fmt: skip
        return f"{start} {{action}}{{extra}}"
    verb = _any(rng, "add", "create", "make", "write down", "set up", "register", "record", "jot down", "plan", "save",
                "insert", "put in", "track", "queue", "store")  # fmt: skip
    what = _any(rng, "a", "one", "another", "this", "a new", "an extra", "the", "one more")
    what += " " + _any(rng, "task", "task", "to-do", "entry", "reminder", "job", "chore", "point")
    place = _any(rng, "", "", " on my list", " in my list", " for me", " for today's list")
    name = _any(rng, "{place} to {action}", "{place}: {title}", '{place} called "{title}"', '{place} "{title}"',
                " called {title}", " for {title}", '{place} with the title "{title}"', "{place}, {title}",
                ' that says "{title}"', "{place} - {title}")  # fmt: skip
    return f"{verb} {what}{name.replace('{place}', place)}{{extra}}"


def priority_clause(rng: Random) -> str:
    return _any(
        rng, " with a priority of {priority}", " ({priority} priority)", "; priority {priority}", " in {priority} priority",
        " marked {priority} priority", ", {priority} priority please", ". Make it {priority} priority",
        ". Priority {priority}", ", of {priority} priority", " - {priority} priority",
    )  # fmt: skip


def due_clause(rng: Random) -> str:
    return _any(
        rng, " before {due}", " on {due}", " (due {due})", "; due {due}", " and have it due {due}", ", finish by {due}",
        ". I need it {due}", ". Due: {due}", " - due {due}", ", at the latest {due}", ", ready by {due}",
    )  # fmt: skip


def update(fields: tuple[str, ...], rng: Random) -> str:
    """A template that changes `fields` of a task."""
    if fields == ("priority",):
        verb = _any(rng, "set", "change", "put", "bring", "adjust", "turn", "raise", "lower", "move")
        return _any(rng, f"{verb} {{task}} to {{priority}} priority", f"{verb} the priority of {{task}} to {{priority}}",
                    "{Task} needs {priority} priority", "{Task} becomes {priority} priority", "let {task} have {priority} priority",
                    "update {task} to {priority} priority", "{Task}: {priority} priority")  # fmt: skip
    if fields == ("due",):
        verb = _any(
            rng,
            "move",
            "reschedule",
            "push",
            "postpone",
            "defer",
            "put off",
            "set",
            "change",
            "bring",
            "update",
        )
        return _any(rng, f"{verb} {{task}} to {{due}}", f"{verb} {{task}} until {{due}}", "{Task} can wait until {due}",
                    f"{verb} the due date of {{task}} to {{due}}", f"{verb} the deadline of {{task}} to {{due}}",
                    "{Task} is due {due} now", "{Task}: due {due}")  # fmt: skip
    if fields == ("title",):
        verb = _any(rng, "change", "set", "turn", "update", "edit", "switch")
        return _any(rng, f"{verb} the {_any(rng, 'title', 'name', 'text')} of {{task}} to {{title}}",
                    f'{verb} the name of {{task}} to "{{title}}"', "{Task} is now called {title}",
                    "name {task} {title}", 'let {task} say "{title}"', 'call {task} "{title}"',
                    'rename {task}, call it "{title}"', 'rename {task} as "{title}"')  # fmt: skip
    verb = _any(rng, "set", "change", "move", "update", "put")
    return _any(rng, f"{verb} {{task}} to {{priority}} priority, due {{due}}", f"{verb} {{task}} to {{due}}, {{priority}} priority",
                f"{verb} {{task}} to {{due}} and to {{priority}} priority", "{Task} is due {due} and has {priority} priority",
                "give {task} {priority} priority and move it to {due}", "{Task}: {priority} priority, due {due}")  # fmt: skip


def complete(rng: Random) -> str:
    """A template that ends a task."""
    ended = _any(rng, "done", "finished", "over", "completed", "ready", "closed", "solved", "through")
    verb = _any(rng, "tick", "mark", "set", "flag", "put", "report", "check")
    did = _any(
        rng,
        "completed",
        "ended",
        "closed",
        "wrapped up",
        "solved",
        "did",
        "settled",
        "have done",
        "have finished",
    )
    return _any(rng, f"I {did} {{task}}", f"{{Task}} is {ended}", f"{verb} {{task}} as {ended}", f"we {did} {{task}}",
                f"{{Task}} is now {ended}", f"{{Task}} has been {ended}", "complete {task}", "finish {task}",
                "close {task} as done", "tick {task} off", "check {task} off")  # fmt: skip


def delete(rng: Random) -> str:
    """A template that removes a task."""
    verb = _any(
        rng, "delete", "remove", "erase", "drop", "discard", "cancel", "clear", "throw out", "trash", "strike"
    )
    where = _any(
        rng,
        "",
        "",
        " from my list",
        " now",
        " for good",
        " from the list",
        " completely",
        " at once",
        " again",
    )
    why = _any(
        rng, "can go", "is not needed", "is obsolete", "was a mistake", "is a duplicate", "makes no sense"
    )
    return _any(rng, f"{verb} {{task}}{where}", f"{verb} {{task}}{where}", f"{{Task}} {why}, {verb} it",
                "{Task} must go", "I do not need {task}, remove it", "take {task} away", f"{{Task}} {why}, take it off my list")  # fmt: skip


def listing(fields: tuple[str, ...], rng: Random) -> str:
    """A template that asks for tasks filtered by `fields`."""
    verb = _any(
        rng, "list", "show", "display", "present", "show me", "tell me", "find", "get", "fetch", "send me"
    )
    whose = _any(rng, "my", "the", "all", "all my", "all the")
    status = "{status} " if "status" in fields else ""
    after = ""
    if "priority" in fields:
        after = _any(
            rng, " with {priority} priority", " that have {priority} priority", " at {priority} priority"
        )
        if rng.random() < 0.5:
            status, after = status + "{priority} priority ", ""
    tail = _any(rng, "", "", " now", " again", " on my list", " please", " I have")
    return _any(rng, f"{verb} {whose} {status}tasks{after}{tail}", f"{verb} {whose} {status}tasks{after}",
                f"What are my {status}tasks{after}?", f"I want to see my {status}tasks{after}",
                f"What {status}tasks{after} are there?", f"Which {status}tasks{after} are there?")  # fmt: skip


def task_words(rng: Random) -> str:
    return _any(
        rng,
        "task {id}",
        "the task {id}",
        "task nr {id}",
        "job {id}",
        "entry {id}",
        "to-do {id}",
        "#{id}",
        "my task {id}",
    )


def copying(rng: Random) -> str:
    """A template that asks to repeat {x}."""
    verb = _any(
        rng,
        "Repeat",
        "Say",
        "Echo",
        "Copy",
        "Type",
        "Return",
        "Give back",
        "Output",
        "Please repeat",
        "Please say",
    )
    what = _any(
        rng,
        "",
        " this",
        " back",
        " these words",
        " the words",
        " after me",
        " what I say",
        " this text",
        " once",
    )
    return _any(
        rng,
        f"{verb}{what}: {{x}}",
        f'{verb}{what}: "{{x}}"',
        f'{verb}{what} "{{x}}"',
        f"{verb}{what} - {{x}}",
    )


def _aside(rng: Random) -> str:
    """A few words that mean nothing for the request."""
    words = [values.blended_word(rng) for _ in range(rng.choice((1, 2, 2, 3, 4)))]
    return " ".join(words)


def surround(text: str, rng: Random) -> str:
    """Puts words that carry no request before or after `text`, which itself stays as it is."""
    roll = rng.random()
    if roll < 0.35:
        return text
    if roll < 0.7:
        start = _any(rng, "By the way, ", "So, ", "Well, ", "Quick one: ", "Dear TaskMaster, ", "One more thing: ", "Right. ",
                     f"{rng.choice(values.NAMES)} here. ", f"{_aside(rng).capitalize()}. ", f"{_aside(rng)}, ")  # fmt: skip
        text = start + text
    if roll > 0.6 and text[-1] in "?!.":
        text += _any(rng, f" {_aside(rng).capitalize()}.", " Good.", " Bye.", f" Regards, {rng.choice(values.NAMES)}.",
                     " I count on you.", " Please.", " As always.")  # fmt: skip
    return text


def maybe_surround(text: str, breadth: float, rng: Random) -> str:
    """Surrounds `text` with probability `breadth`."""
    return surround(text, rng) if breadth > 0 and rng.random() < breadth else text
