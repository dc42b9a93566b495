"""Calls in the text that a model generated, in the forms that engines parse."""

import json
from collections.abc import Iterator

from tests.evals.tool_calls.rules.case import ARGUMENTS, BROKEN, CALLED, NONE, RIGHT, TOOLS, Case, Options

TRUTH: list[dict[str, Options]] = [{"add_note": {"text": ["x"], "machine": ["M1", ""]}}]
TWO: list[dict[str, Options]] = [*TRUTH, {"delete_note": {"note": [7]}}]
WHOLE = '{"name": "add_note", "arguments": {"text": "x"}}'
SECOND = '{"name": "delete_note", "arguments": {"note": 7}}'
LLAMA = '{"name": "add_note", "parameters": {"text": "x"}}'

Form = tuple[str, str]

HERMES: tuple[Form, ...] = (
    (f"<tool_call>\n{WHOLE}\n</tool_call>", "in a tag"),
    (f"<tool_call>{WHOLE}</tool_call>", "in a tag, on one line"),
    (f"<tool_call>\n{WHOLE}\n</tool_call><|im_end|>", "with the end of the turn"),
    (f"<tool_call>\n{WHOLE}\n", "the end tag was the stop string"),
    (f"I shall note it.\n<tool_call>\n{WHOLE}\n</tool_call>", "after words"),
    (f"<think>A note it is: <tool_call>?</think>\n<tool_call>\n{WHOLE}\n</tool_call>", "after a thought"),
    (f"so add_note.</think><tool_call>{WHOLE}</tool_call>", "after a thought that the prompt began"),
    (
        '<tool_call>\n{"arguments": {"text": "x"}, "name": "add_note"}\n</tool_call>',
        "keys the other way round",
    ),
    (
        '<tool_call>\n{"name": "add_note", "arguments": "{\\"text\\": \\"x\\"}"}\n</tool_call>',
        "arguments in a text",
    ),
    (f"<tool_call>[{WHOLE}]</tool_call>", "a list in the tag"),
)
MISTRAL: tuple[Form, ...] = (
    (f"[TOOL_CALLS] [{WHOLE}]", "a list"),
    (f"[TOOL_CALLS][{WHOLE}]</s>", "a list and the end"),
    (f"[TOOL_CALLS]\n[{WHOLE}]\n", "a list on lines of its own"),
    (f"[TOOL_CALLS] {WHOLE}", "one object"),
    ('[TOOL_CALLS]add_note{"text": "x"}', "a name and an object"),
    ('[TOOL_CALLS]add_note[ARGS]{"text": "x"}', "a name, a marker and an object"),
    ('[TOOL_CALLS]add_note[CALL_ID]9f[ARGS]{"text": "x"}</s>', "with an id"),
    ('[TOOL_CALLS] add_note {"text": "x"}', "with blanks"),
    (f"Noting. [TOOL_CALLS] [{WHOLE}]", "after words"),
    (
        '[TOOL_CALLS] [{"name": "add_note", "arguments": {"text": "x"}, "id": "a1"}]',
        "with an id in the object",
    ),
)
LLAMAS: tuple[Form, ...] = (
    (f"<|python_tag|>{LLAMA}", "after the tag"),
    (f"<|python_tag|>{LLAMA}<|eom_id|>", "after the tag, with the end"),
    (f"<|python_tag|> {WHOLE}<|eot_id|>", "arguments under their other name"),
    ('<|python_tag|>add_note(text="x")', "as Python after the tag"),
    ('<|python_tag|>[add_note(text="x")]', "as a Python list after the tag"),
    (LLAMA, "without a tag"),
    (f"{LLAMA}<|eot_id|>", "without a tag, with the end"),
    ('<function=add_note>{"text": "x"}</function>', "in a tag with the name"),
    ('<function=add_note>{"text": "x"}', "in a tag with the name, not ended"),
    ('<function=add_note>{"text": "x"}</function><|eom_id|>', "in a tag with the name, with the end"),
    ('{"type": "function", "name": "add_note", "parameters": {"text": "x"}}', "with a type"),
)
FENCED: tuple[Form, ...] = (
    (f"```json\n{WHOLE}\n```", "JSON"),
    (f"```\n{WHOLE}\n```", "without a language"),
    (f"```json\n[{WHOLE}]\n```", "a list"),
    (f"Here is the call:\n```json\n{WHOLE}\n```\nDone.", "between words"),
    (f"```json\n{WHOLE}", "not ended"),
    (f"```tool_call\n{WHOLE}\n```", "another language"),
    ('```python\nadd_note(text="x")\n```', "Python"),
    ('```tool_code\n[add_note(text="x", machine="M1")]\n```', "a Python list"),
    ('```json\n{"function": "add_note", "arguments": {"text": "x"}}\n```', "the name under its other key"),
    (f"```json\r\n{WHOLE}\r\n```", "lines end as on Windows"),
)
BARE: tuple[Form, ...] = (
    (WHOLE, "an object"),
    (f"[{WHOLE}]", "a list"),
    (f"  {WHOLE}\n", "with blanks around it"),
    ('{"name":"add_note","arguments":{"text":"x","machine":"M1"}}', "without blanks"),
    (
        '{"function": {"name": "add_note", "arguments": "{\\"text\\": \\"x\\"}"}, "type": "function"}',
        "the API's form",
    ),
    (
        '[{"type": "function", "function": {"name": "add_note", "arguments": {"text": "x"}}}]',
        "a list in that form",
    ),
    ('{"name": "add_note", "arguments": {"text": "\\u0078"}}', "with an escape"),
    ('{"name": "add_note",\n "arguments": {\n  "text": "x"\n }}', "on several lines"),
    (f"{WHOLE}</s>", "with the end"),
    (f"<think>\nhm\n</think>\n\n{WHOLE}", "after a thought"),
)
PYTHON: tuple[Form, ...] = (
    ('[add_note(text="x")]', "a list"),
    ("[add_note(text='x')]", "single quotes"),
    ('add_note(text="x")', "a call"),
    ('add_note(text="x", machine="M1")', "two arguments"),
    ('[ add_note( text = "x" ) ]', "with blanks"),
    ('[add_note(text="x",)]', "a comma at the end"),
    ('[add_note(text="x")]<|eot_id|>', "with the end"),
    ('add_note(\n    text="x",\n)', "on several lines"),
    ('[add_note(text="\\x78")]', "with an escape"),
    ('[add_note(text="" "x")]', "a text in two pieces"),
)
PAIRS: tuple[Form, ...] = (
    (f"<tool_call>\n{WHOLE}\n</tool_call>\n<tool_call>\n{SECOND}\n</tool_call>", "two tags"),
    (f"<tool_call>{SECOND}<tool_call>{WHOLE}", "two tags, not ended"),
    (f"[TOOL_CALLS] [{WHOLE}, {SECOND}]", "two in Mistral's list"),
    ('[TOOL_CALLS]add_note{"text": "x"}[TOOL_CALLS]delete_note{"note": 7}', "two of Mistral's markers"),
    (f"<|python_tag|>{LLAMA}; {SECOND}", "two after Llama's tag"),
    (
        '<function=add_note>{"text": "x"}</function><function=delete_note>{"note": 7}</function>',
        "two named tags",
    ),
    (f"```json\n[{WHOLE}, {SECOND}]\n```", "a fenced list"),
    (f"```json\n{WHOLE}\n```\nand\n```json\n{SECOND}\n```", "two fences"),
    (f"[{WHOLE}, {SECOND}]", "a bare list"),
    (f"{WHOLE}\n{SECOND}", "two lines"),
    (f"{WHOLE}; {SECOND}", "a semicolon between"),
    ('[add_note(text="x"), delete_note(note=7)]', "a Python list"),
)
BROKENLY: tuple[Form, ...] = (
    ('<tool_call>\n{"name": "add_note", "arguments": {"text": "x"', "cut short in a tag"),
    ('<tool_call>\n{"name": "add_note"}\n</tool_call>', "without arguments"),
    ('<tool_call>\n{"arguments": {"text": "x"}}\n</tool_call>', "without a name"),
    (f"<tool_call>\n{WHOLE} and so on\n</tool_call>", "words in the tag"),
    ("<tool_call>\nadd_note\n</tool_call>", "no JSON in the tag"),
    (
        '<tool_call>\n{"name": "add_note", "name": "add_note", "arguments": {"text": "x"}}\n</tool_call>',
        "two names",
    ),
    ('[TOOL_CALLS] [{"name": "add_note", "arguments": ', "cut short after Mistral's marker"),
    ("[TOOL_CALLS] add_note", "a name alone"),
    ('<|python_tag|>print("x")', "other Python after Llama's tag"),
    ('<function=add_note>text="x"</function>', "no JSON in a named tag"),
    ('{"name": "add_note", "arguments": {"text": "x"', "bare, cut short"),
    ('[add_note(text="x", ', "Python, cut short"),
    ('[add_note("x")]', "Python without the argument's name"),
    ("[add_note(text=note)]", "Python with a variable"),
)
NO_CALLS: tuple[Form, ...] = (
    ("There is nothing to note.", "words"),
    ('{"name": "sudo", "arguments": {"text": "x"}}', "a tool that is not offered, without a marker"),
    ("sudo(text='x')", "the same as Python"),
    ('{"text": "x"}', "another object"),
    ("[1, 2]", "a list of numbers"),
    ('{"name": "add_note", "description": "Writes a note."}', "a tool's description"),
    (f"The call would be {WHOLE}.", "a call within a sentence"),
    ("add_note is a tool.", "a tool's name"),
    ("<think>add_note(text='x')</think>Nothing to do.", "a thought"),
    ('<think>\n<tool_call>\n{"name": "add_note"', "a thought that has no end"),
    ("```python\nx = add_note\n```", "code"),
)


def cases() -> Iterator[Case]:
    forms = {
        "raw_hermes": HERMES,
        "raw_mistral": MISTRAL,
        "raw_llama": LLAMAS,
        "raw_fenced": FENCED,
        "raw_bare_json": BARE,
        "raw_pythonic": PYTHON,
    }
    for rule, texts in forms.items():
        for raw, why in texts:
            yield Case(rule, why, TRUTH, [], RIGHT, RIGHT, raw=raw)
        for raw, why in texts[:3]:
            wrong = raw.replace("add_note", "delete_note")
            yield Case(rule, f"another tool, {why}", TRUTH, [], TOOLS, TOOLS, raw=wrong)
        for raw, why in texts[:3]:
            yield Case(rule, f"no call is due, {why}", NONE, [], CALLED, CALLED, raw=raw)
    for raw, why in PAIRS:
        yield Case("raw_several", why, TWO, [], RIGHT, RIGHT, raw=raw)
        yield Case("raw_several", f"one is due, {why}", TRUTH, [], TOOLS, TOOLS, raw=raw)
    for raw, why in BROKENLY:
        yield Case("raw_broken", why, TRUTH, [], BROKEN, BROKEN, raw=raw)
        yield Case("raw_broken", f"no call is due, {why}", NONE, [], RIGHT, CALLED, raw=raw)
    for raw, why in NO_CALLS:
        yield Case("raw_without_calls", why, TRUTH, [], BROKEN, BROKEN, raw=raw)
    for raw, why in NO_CALLS[:9]:
        yield Case("raw_without_calls", f"none is due, {why}", NONE, [], RIGHT, RIGHT, raw=raw)
    yield from _kept()


def _kept() -> Iterator[Case]:
    """What a parser that goes through Python's values would lose."""
    rule = "raw_kept_as_written"
    for written, bfcl, strict, why in (
        ('{"text": "y", "text": "x"}', RIGHT, BROKEN, "a repeated key"),
        ('{"text": "x", "text": "x"}', RIGHT, BROKEN, "the same key twice"),
        ('{"text": "x", "machine": {"a": 1, "a": 1}}', ARGUMENTS, BROKEN, "a repeated key inside"),
        ('{"text": NaN}', ARGUMENTS, BROKEN, "NaN"),
        ('{"text": ["x"]}', ARGUMENTS, ARGUMENTS, "a list for a text"),
        ('{"text": "X"}', RIGHT, ARGUMENTS, "case"),
        ("[]", BROKEN, BROKEN, "a list for the arguments"),
        ("null", BROKEN, BROKEN, "null for the arguments"),
        (json.dumps("not an object"), BROKEN, BROKEN, "a text for the arguments"),
    ):
        raw = f'<tool_call>\n{{"name": "add_note", "arguments": {written}}}\n</tool_call>'
        yield Case(rule, why, TRUTH, [], bfcl, strict, raw=raw)
    for number, bfcl, strict in (
        ("7.0", ARGUMENTS, RIGHT),
        ("7", RIGHT, RIGHT),
        ("70e-1", ARGUMENTS, RIGHT),
        ("8", ARGUMENTS, ARGUMENTS),
    ):
        raw = f'<tool_call>\n{{"name": "delete_note", "arguments": {{"note": {number}}}}}\n</tool_call>'
        yield Case(
            rule, "a number as it was spelt", [{"delete_note": {"note": [7]}}], [], bfcl, strict, raw=raw
        )
