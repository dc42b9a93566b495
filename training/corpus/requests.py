"""Requests that one call of one tool answers.

Every argument stands word for word in the request, enum values too, and what the user
does not say is left out of the call. So an answer can be judged without a stored truth.
"""

from collections.abc import Callable
from functools import partial
from random import Random

from training.corpus import values, wide
from training.corpus.held_out import draw_until
from training.corpus.phrasing import Phrasings, dress
from training.corpus.sample import Argument, Split, ToolCall
from training.corpus.tools import PRIORITIES, STATUSES

# Slots: {action} and {name} are titles, {extra} is where the optional clauses go.
_CREATE = Phrasings(
    train=(
        "add a task to {action}{extra}", "create a task to {action}{extra}", "remind me to {action}{extra}",
        "add {title} to my list{extra}", "put {title} on my list{extra}", 'create a task called "{title}"{extra}',
        'add "{title}" to my tasks{extra}', "make a new task: {title}{extra}", "note down: {title}{extra}",
        "add a new to-do: {title}{extra}", "New task: {title}{extra}", "I need to {action}{extra}",
        "I have to {action}{extra}", "Todo: {title}{extra}", "I must not forget to {action}{extra}",
        "set up a task to {action}{extra}", "create {title}{extra}", "We need a task for {title}{extra}",
        "add a {priority} priority task to {action}{due_only}", "create a {priority} priority task: {title}{due_only}",
        "schedule {title}{extra}", 'Task "{title}"{extra}', "I want to {action}{extra}, add it to my list",
        "put down a task to {action}{extra}",
    ),
    held_out=(
        "open a task for me to {action}{extra}", 'start a task named "{title}"{extra}',
        "Another thing for my list: {title}{extra}", "make sure I {action}{extra}",
        "log a task: {title}{extra}", "Something to do: {action}{extra}",
        "I would like a {priority} priority task to {action}{due_only}", 'enter "{title}" as a task{extra}',
    ),
)  # fmt: skip
_PRIORITY_CLAUSES = Phrasings(
    train=(" with {priority} priority", ", {priority} priority", ", priority {priority}", " at {priority} priority",
           ". Priority: {priority}", ". It is {priority} priority"),
    held_out=(", and give it {priority} priority", " as {priority} priority", ". The priority is {priority}"),
)  # fmt: skip
_DUE_CLAUSES = Phrasings(
    train=(" by {due}", ", due {due}", " due {due}", ", due by {due}", ". It is due {due}", ", until {due}"),
    held_out=(", which is due {due}", " no later than {due}", ". Deadline: {due}"),
)  # fmt: skip

# Each update names the fields that it changes; {task} is the task's number with a word before it.
_UPDATE: dict[tuple[str, ...], Phrasings] = {
    ("priority",): Phrasings(
        train=(
            "set the priority of {task} to {priority}", "change {task} to {priority} priority",
            "make {task} {priority} priority", "give {task} {priority} priority",
            "change the priority of {task} to {priority}", "{Task} should have {priority} priority",
            "set {task} to {priority} priority", "{Task} is now {priority} priority",
        ),
        held_out=("switch {task} over to {priority} priority", "The priority of {task} must be {priority}",
                  "mark {task} as {priority} priority"),
    ),
    ("due",): Phrasings(
        train=(
            "move {task} to {due}", "reschedule {task} to {due}", "change the due date of {task} to {due}",
            "{Task} is now due {due}", "set the due date of {task} to {due}", "push {task} to {due}",
            "make {task} due {due}", "postpone {task} to {due}",
        ),
        held_out=("shift {task} to {due}", "The new due date of {task} is {due}", "delay {task} until {due}"),
    ),
    ("title",): Phrasings(
        train=(
            "rename {task} to {title}", 'rename {task} to "{title}"', "change the title of {task} to {title}",
            'change {task} to say "{title}"', 'set the title of {task} to "{title}"',
            "call {task} {title} from now on", "{Task} should be called {title}",
        ),
        held_out=('retitle {task} as "{title}"', "The new title of {task} is {title}", 'give {task} the title "{title}"'),
    ),
    ("priority", "due"): Phrasings(
        train=(
            "set {task} to {priority} priority and move it to {due}",
            "change {task} to {priority} priority, due {due}",
            "move {task} to {due} and make it {priority} priority",
            "update {task}: priority {priority}, due {due}",
        ),
        held_out=("reschedule {task} to {due} with {priority} priority", "make {task} {priority} priority and due {due}"),
    ),
}  # fmt: skip
_COMPLETE = Phrasings(
    train=(
        "mark {task} as done", "complete {task}", "I finished {task}", "{Task} is done", "check off {task}",
        "I am done with {task}", "{Task} is finished", "mark {task} as complete", "close {task}, it is done",
        "tick off {task}", "I have completed {task}", "set {task} to done",
    ),
    held_out=("{Task} is complete now", "I just got {task} done", "mark {task} finished", "Done with {task}"),
)  # fmt: skip
_DELETE = Phrasings(
    train=(
        "delete {task}", "remove {task}", "remove {task} from my list", "get rid of {task}", "erase {task}",
        "drop {task}", "{Task} can be deleted", "throw away {task}", "I no longer need {task}, delete it",
        "take {task} off my list", "delete {task} for good",
    ),
    held_out=("{Task} should be removed", "wipe {task} from my list", "scrap {task}, delete it", "I want {task} deleted"),
)  # fmt: skip
_LIST: dict[tuple[str, ...], Phrasings] = {
    (): Phrasings(
        train=("list my tasks", "show my tasks", "show me all my tasks", "What is on my list?", "What tasks do I have?",
               "list everything on my list", "show the task list"),
        held_out=("print my tasks", "Which tasks do I have?", "read me my task list"),
    ),
    ("status",): Phrasings(
        train=("list my {status} tasks", "show my {status} tasks", "What {status} tasks do I have?",
               "Which tasks are {status}?", "show me all {status} tasks", "show the tasks that are {status}"),
        held_out=("give me the {status} tasks", "Which of my tasks are {status}?", "Any {status} tasks?"),
    ),
    ("priority",): Phrasings(
        train=("list my {priority} priority tasks", "show my tasks with {priority} priority",
               "Which tasks have {priority} priority?", "What {priority} priority tasks do I have?"),
        held_out=("give me all {priority} priority tasks", "Any tasks with {priority} priority?"),
    ),
    ("status", "priority"): Phrasings(
        train=("list my {status} tasks with {priority} priority", "show my {status} {priority} priority tasks",
               "Which {status} tasks have {priority} priority?"),
        held_out=("give me the {status} tasks of {priority} priority", "Any {status} tasks with {priority} priority?"),
    ),
}  # fmt: skip
_TASK_WORDS = Phrasings(
    train=("task {id}", "task {id}", "task {id}", "task #{id}", "task number {id}", "number {id}"),
    held_out=("task {id}", "task no. {id}", "item {id}"),
)


class Draw:
    """The open values of one sample, all on one side of the split, and the wording.

    A wide draw takes most of its wordings and some of its words from outside the lists.
    """

    def __init__(self, split: Split, rng: Random, wide: bool) -> None:
        self.rng = rng
        self.wide = wide
        self.held_out_values = split != "train"
        self.held_out_phrasings = split == "held_out_phrasings"

    def pick(self, phrasings: Phrasings, widely: Callable[[Random], str]) -> str:
        if self.wide and self.rng.random() < 0.75:
            return widely(self.rng)
        return phrasings.pick(self.held_out_phrasings, self.rng)

    def title(self, template: str) -> str:
        plain = values.action if "{action}" in template else values.title

        def make(rng: Random) -> str:
            return values.strange(plain(rng), rng) if self.wide and rng.random() < 0.5 else plain(rng)

        return draw_until(make, str.lower, self.held_out_values, self.rng)

    def due(self) -> str:
        if self.rng.random() < 0.5:
            return values.everyday_due(self.rng)
        return draw_until(values.date, str, self.held_out_values, self.rng)

    def number(self) -> str:
        return draw_until(values.task_number, str, self.held_out_values, self.rng)

    def priority(self) -> str:
        return self.rng.choice(PRIORITIES)


def _create(draw: Draw) -> tuple[str, dict[str, Argument]]:
    template = draw.pick(_CREATE, wide.create)
    title = draw.title(template)
    arguments: dict[str, Argument] = {"title": title}
    in_template = "{priority}" in template
    clauses = []
    if in_template or draw.rng.random() < 0.45:
        arguments["priority"] = draw.priority()
        if not in_template:
            clauses.append(draw.pick(_PRIORITY_CLAUSES, wide.priority_clause))
    if draw.rng.random() < 0.5:
        arguments["due"] = draw.due()
        clauses.append(draw.pick(_DUE_CLAUSES, wide.due_clause))
    draw.rng.shuffle(clauses)
    # A clause that ends a sentence must come last, or the next one would hang in the air.
    clauses.sort(key=lambda clause: clause.startswith("."))
    text = template.replace("{extra}", "".join(clauses)).replace("{due_only}", "".join(clauses))
    return text.format(action=title, **arguments), arguments


def _task(draw: Draw, template: str, number: str, **slots: Argument) -> str:
    words = draw.pick(_TASK_WORDS, wide.task_words).format(id=number)
    return template.format(task=words, Task=words[0].upper() + words[1:], **slots)


def _update(draw: Draw) -> tuple[str, dict[str, Argument]]:
    fields = draw.rng.choice(tuple(_UPDATE))
    template = draw.pick(_UPDATE[fields], partial(wide.update, fields))
    slots: dict[str, Argument] = {}
    for field in fields:
        if field == "title":
            slots[field] = draw.title(template)
        else:
            slots[field] = draw.due() if field == "due" else draw.priority()
    number = draw.number()
    return _task(draw, template, number, **slots), {"task_id": int(number), **slots}


def _complete(draw: Draw) -> tuple[str, dict[str, Argument]]:
    number = draw.number()
    return _task(draw, draw.pick(_COMPLETE, wide.complete), number), {"task_id": int(number)}


def _delete(draw: Draw) -> tuple[str, dict[str, Argument]]:
    number = draw.number()
    return _task(draw, draw.pick(_DELETE, wide.delete), number), {"task_id": int(number)}


def _list(draw: Draw) -> tuple[str, dict[str, Argument]]:
    fields = draw.rng.choice(tuple(_LIST))
    slots: dict[str, Argument] = {}
    if "status" in fields:
        slots["status"] = draw.rng.choice(STATUSES)
    if "priority" in fields:
        slots["priority"] = draw.priority()
    return draw.pick(_LIST[fields], partial(wide.listing, fields)).format(**slots), slots


_TOOLS = (
    ("create_task", _create, 40), ("update_task", _update, 26), ("complete_task", _complete, 12),
    ("delete_task", _delete, 12), ("list_tasks", _list, 10),
)  # fmt: skip


def request(split: Split, rng: Random, tool: str | None = None, breadth: float = 0.0) -> tuple[str, ToolCall]:
    """One request and the call that answers it.

    `tool` fixes which tool it is about; `breadth`, 0 to 1, is how likely it is worded widely.
    """
    draw = Draw(split, rng, wide=breadth > 0 and rng.random() < breadth)
    chosen = [entry for entry in _TOOLS if tool in (None, entry[0])]
    name, make, _ = rng.choices(chosen, weights=[weight for *_, weight in chosen])[0]
    if name == "list_tasks":
        # A list request has no open value: the whole sentence decides the side.
        def dressed(rng: Random) -> tuple[str, dict[str, Argument]]:
            sentence, arguments = make(draw)
            return dress(sentence, draw.held_out_phrasings, rng), arguments

        text, arguments = draw_until(dressed, lambda made: made[0], draw.held_out_values, rng)
    else:
        sentence, arguments = make(draw)
        text = dress(sentence, draw.held_out_phrasings, rng)
    return wide.surround(text, rng) if draw.wide else text, ToolCall.of(name, arguments)
