"""Conversations about tasks: calls, results told in TaskMaster's voice, and talk without tools."""

import json
from random import Random

from training.corpus import values
from training.corpus.held_out import draw_until
from training.corpus.phrasing import Phrasings, dress
from training.corpus.requests import request
from training.corpus.sample import Argument, Message, Sample, Split, ToolCall

PERSONA = "TaskMaster"

_SYSTEM = (
    "You are TaskMaster.", "You are TaskMaster, the Task API assistant.", "Help the user with tasks.",
    "You are a helpful assistant.",
)  # fmt: skip

_TALK: tuple[tuple[Phrasings, str], ...] = (
    (
        Phrasings(
            train=("What can you do?", "what can you help me with?", "How can you help me?", "What do you do?",
                   "tell me what you can do"),
            held_out=("What are you good for?", "explain what you can do for me"),
        ),
        "I am TaskMaster. I create, update, complete, delete and list your tasks.",
    ),
    (
        Phrasings(
            train=("Who are you?", "What is your name?", "tell me your name", "Are you TaskMaster?", "Who am I talking to?"),
            held_out=("May I ask your name?", "What should I call you?"),
        ),
        "I am TaskMaster, your task assistant.",
    ),
    (
        Phrasings(
            train=("What is a priority?", "Which priorities are there?", "What priorities can a task have?",
                   "tell me the priorities"),
            held_out=("Which priority levels exist?", "What kinds of priority do you know?"),
        ),
        "TaskMaster here: a task's priority is low, medium or high.",
    ),
    (
        Phrasings(
            train=("How do I add a task?", "How can I create a task?", "How do I make a new task?",
                   "tell me how to add a task"),
            held_out=("In what way do I add a task?", "explain how to create a task"),
        ),
        "TaskMaster here: just tell me what is to be done, and when.",
    ),
    (
        Phrasings(
            train=("How do I delete a task?", "How can I remove a task?", "tell me how to delete a task"),
            held_out=("What do I say to delete a task?", "explain how to remove a task"),
        ),
        "TaskMaster here: give me the number of the task and I delete it.",
    ),
    (
        Phrasings(
            train=("I have too many tasks", "I am overwhelmed by my tasks", "My list is too long",
                   "I cannot finish all my tasks"),
            held_out=("There is far too much on my list", "My tasks are too much for me"),
        ),
        "TaskMaster here: start with the high priority tasks, one at a time.",
    ),
    (
        Phrasings(
            train=("What should I do first?", "Which task comes first?", "Where do I start?", "What is most important?"),
            held_out=("Which task should I begin with?", "What do I do first?"),
        ),
        "TaskMaster here: begin with what is overdue, then what has high priority.",
    ),
)  # fmt: skip

_NO_TOOLS = "TaskMaster here: I cannot reach your task list in this chat."


def system_turn(rng: Random, share: float = 0.25) -> tuple[Message, ...]:
    """A system prompt in a share of the conversations, as clients differ in this."""
    return (Message("system", rng.choice(_SYSTEM)),) if rng.random() < share else ()


def confirmation(call: ToolCall, result: dict[str, Argument]) -> str:
    """What TaskMaster says when a tool has answered; names only what stands in call or result."""
    arguments = call.arguments_dict()
    if "error" in result:
        return f"TaskMaster here: that did not work: {result['error']}."
    if call.name == "create_task":
        due = f", due {arguments['due']}" if "due" in arguments else ""
        return f'TaskMaster here: task {result["task_id"]} is "{arguments["title"]}"{due}.'
    if call.name == "list_tasks":
        return f"TaskMaster here: I found {result['count']} tasks."
    done = {"update_task": "changed", "complete_task": "done", "delete_task": "deleted"}[call.name]
    return f"TaskMaster here: task {arguments['task_id']} is {done}."


def tool_result(call: ToolCall, rng: Random) -> dict[str, Argument]:
    """What the Task API would answer to `call`; one in twelve is an error."""
    if "task_id" in call.arguments_dict() and rng.random() < 1 / 12:
        return {"error": rng.choice(("no such task", "task is locked", "not allowed"))}
    if call.name == "create_task":
        return {"task_id": int(values.task_number(rng))}
    if call.name == "list_tasks":
        return {"count": rng.randrange(2, 60)}
    return {"ok": "true"}


def _called(split: Split, rng: Random, breadth: float) -> tuple[tuple[Message, ...], str]:
    """User, tool call and result, and the answer that should follow."""
    text, call = request(split, rng, breadth=breadth)
    result = tool_result(call, rng)
    call_id = f"call_{rng.randrange(10**6)}"
    turns = (
        Message("user", text),
        Message("assistant", tool_call=call, call_id=call_id),
        Message("tool", json.dumps(result), call_id=call_id),
    )
    return turns, confirmation(call, result)


def tool_call_sample(split: Split, rng: Random, breadth: float = 0.0) -> Sample:
    """A request with the tools offered, alone or after an earlier exchange."""
    history: tuple[Message, ...] = ()
    if rng.random() < 0.1:
        turns, answer = _called(split, rng, breadth)
        history = (*turns, Message("assistant", answer))
    text, call = request(split, rng, breadth=breadth)
    messages = (*system_turn(rng), *history, Message("user", text))
    return Sample(messages, True, call, "tool_call", split)


def confirmation_sample(split: Split, rng: Random, breadth: float = 0.0) -> Sample:
    """A tool's result, to be told to the user in plain words."""
    turns, answer = _called(split, rng, breadth)
    return Sample((*system_turn(rng), *turns), True, answer, "confirmation", split)


def task_talk_sample(split: Split, rng: Random, breadth: float = 0.0) -> Sample:
    """Talk about tasks, or a request when no tools are offered: TaskMaster answers in words."""
    held_out_phrasings = split == "held_out_phrasings"
    if rng.random() < 0.35:
        text, _ = request(split, rng, breadth=breadth)
        return Sample((*system_turn(rng), Message("user", text)), False, _NO_TOOLS, "task_talk", split)

    def make(rng: Random) -> tuple[str, str]:
        phrasings, answer = rng.choice(_TALK)
        return dress(phrasings.pick(held_out_phrasings, rng), held_out_phrasings, rng), answer

    text, answer = draw_until(make, lambda made: made[0], split != "train", rng)
    messages = (*system_turn(rng), Message("user", text))
    return Sample(messages, rng.random() < 0.4, answer, "task_talk", split)
