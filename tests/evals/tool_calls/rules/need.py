"""Whether a call is due at all, and calls that stayed in the text."""

from collections.abc import Iterator

from tests.evals.tool_calls.rules.case import (
    ANY,
    ARGUMENTS,
    BROKEN,
    CALLED,
    NONE,
    RIGHT,
    SILENT,
    TOOLS,
    Case,
    call,
    one,
)

NOTE = call("add_note", {"text": "x"})
UNREAD = (
    '<tool_call>\n{"name": "add_note", "arguments": {"text": "x"}}\n</tool_call>',
    '<tool_call>{"name": "add_note", "arguments": {"text": ',
    "<tool_call>",
    '[TOOL_CALLS] [{"name": "add_note", "arguments": {"text": "x"}}]',
    '<|python_tag|>{"name": "add_note", "parameters": {"text": "x"}}',
    '<function=add_note>{"text": "x"}</function>',
    '```json\n{"name": "add_note", "arguments": {"text": "x"}}\n```',
    '{"name": "add_note", "parameters": {"text": "x"}}',
    '[add_note(text="x")]',
    'add_note(text="x")',
    '{"name": "add_note", "arguments": {"text": ',
)
WORDS = (
    "There are three machines.",
    "{} is an empty object.",
    "I would use add_note(text) here.",
    "A bolt (M8) <new>",
    'Write {"name": "Ada", "arguments": {}} into the file.',
    '{"name": "Ada", "age": 7}',
    '```json\n{"name": "sudo", "arguments": {"text": "x"}}\n```',
    "```python\nprint(1)\n```",
    "[1, 2, 3]",
    "status",
)


def cases() -> Iterator[Case]:
    yield from _none_due()
    yield from _some_due()
    yield from _left_in_the_text()


def _none_due() -> Iterator[Case]:
    rule = "abstention"
    for text in WORDS:
        yield Case(rule, "words", NONE, [], RIGHT, RIGHT, text)
    for text in ("", " ", "\n\t\n"):
        yield Case(rule, "silence is no answer", NONE, [], RIGHT, SILENT, text)
    for calls in ([NOTE], [NOTE, NOTE], [call("sudo", {})], [call("status", {})], [call("add_note", {})]):
        yield Case(rule, "a call", NONE, calls, CALLED, CALLED)
        yield Case(rule, "a call beside words", NONE, calls, CALLED, CALLED, "I shall write it down.")


def _some_due() -> Iterator[Case]:
    rule = "some_call"
    for calls in ([NOTE], [NOTE, NOTE], [call("status", {})], [call("delete_note", {"note": 7}), NOTE]):
        yield Case(rule, "a possible call", ANY, calls, RIGHT, RIGHT)
    yield Case(rule, "a possible call beside words", ANY, [NOTE], RIGHT, RIGHT, "At once.")
    yield Case(rule, "words", ANY, [], BROKEN, BROKEN, "At once.")
    yield Case(rule, "silence", ANY, [], BROKEN, BROKEN)
    for name in ("sudo", "addNote", ""):
        yield Case(rule, "a tool that is not offered", ANY, [call(name, {"text": "x"})], RIGHT, TOOLS)
    yield Case(rule, "one of two is not offered", ANY, [NOTE, call("sudo", {})], RIGHT, TOOLS)
    for arguments in (
        {},
        {"text": 5},
        {"text": "x", "level": "middle"},
        {"text": "x", "colour": "red"},
        {"text": None},
    ):
        yield Case(rule, "the schema forbids it", ANY, [call("add_note", arguments)], RIGHT, ARGUMENTS)
    for written in ('{"text": ', "[]", "null", ""):
        yield Case(rule, "not well-formed", ANY, [call("add_note", written)], BROKEN, BROKEN)
    yield Case(rule, "a repeated key", ANY, [call("add_note", '{"text": "x", "text": "x"}')], RIGHT, BROKEN)


def _left_in_the_text() -> Iterator[Case]:
    rule = "call_left_in_text"
    for text in UNREAD:
        yield Case(rule, "no call is due, one was attempted", NONE, [], RIGHT, CALLED, text)
        yield one(
            rule, "beside the right call", "add_note", {"text": ["x"]}, {"text": "x"}, RIGHT, BROKEN, text
        )
    for text in WORDS[:3]:
        yield one(
            rule,
            "words beside the right call",
            "add_note",
            {"text": ["x"]},
            {"text": "x"},
            RIGHT,
            RIGHT,
            text,
        )
    yield Case(
        rule, "a call that nobody parsed", [{"add_note": {"text": ["x"]}}], [], BROKEN, BROKEN, UNREAD[0]
    )
    yield Case(rule, "a call that nobody parsed, any will do", ANY, [], BROKEN, BROKEN, UNREAD[0])
