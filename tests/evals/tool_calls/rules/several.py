"""Several calls: their number, their order, their tools, and who is paired with whom."""

from collections.abc import Iterator

from tests.evals.tool_calls.rules.case import ARGUMENTS, BROKEN, RIGHT, TOOLS, Case, Options, call

ONE: dict[str, Options] = {"delete_note": {"note": [1]}}
TWO: dict[str, Options] = {"delete_note": {"note": [2]}}
THREE: dict[str, Options] = {"delete_note": {"note": [3]}}
D1, D2, D3, D4 = (call("delete_note", {"note": number}) for number in (1, 2, 3, 4))
NOTE: dict[str, Options] = {"add_note": {"text": ["x"]}}
ADD = call("add_note", {"text": "x"})
STATUS: dict[str, Options] = {"status": {}}
LOOK = call("status", {})


def cases() -> Iterator[Case]:
    yield from _count()
    yield from _order()
    yield from _pairing()
    yield from _tools()


def _count() -> Iterator[Case]:
    rule = "count"
    for truth, calls, why in (
        ([ONE], [D1, D1], "the same call twice"),
        ([ONE], [D1, D2], "one too many"),
        ([ONE], [D1, LOOK], "one too many, of another tool"),
        ([ONE], [D2, D1, D3], "two too many"),
        ([ONE, TWO], [D1], "one too few"),
        ([ONE, TWO], [D2], "the first is missing"),
        ([ONE, TWO, THREE], [D1, D3], "the middle one is missing"),
        ([ONE, ONE], [D1], "the same is due twice"),
        ([ONE, NOTE], [ADD], "one of two tools is missing"),
        ([ONE, NOTE], [D1, ADD, ADD], "one tool too often"),
        ([STATUS], [LOOK, LOOK, LOOK, LOOK], "four for one"),
    ):
        yield Case(rule, why, truth, calls, TOOLS, TOOLS)
    yield Case(rule, "none at all", [ONE], [], BROKEN, BROKEN)
    yield Case(rule, "none at all of two", [ONE, TWO], [], BROKEN, BROKEN)
    yield Case(rule, "the same is due twice, and comes twice", [ONE, ONE], [D1, D1], RIGHT, RIGHT)
    yield Case(rule, "four for four", [ONE, TWO, THREE, NOTE], [D1, D2, D3, ADD], RIGHT, RIGHT)


def _order() -> Iterator[Case]:
    rule = "order_of_calls"
    for calls in ([D1, D2, D3], [D1, D3, D2], [D2, D1, D3], [D2, D3, D1], [D3, D1, D2], [D3, D2, D1]):
        yield Case(rule, "any order of three", [ONE, TWO, THREE], calls, RIGHT, RIGHT)
    for calls in ([ADD, D1, LOOK], [LOOK, ADD, D1], [D1, LOOK, ADD]):
        yield Case(rule, "any order of three tools", [ONE, NOTE, STATUS], calls, RIGHT, RIGHT)
    for calls in ([D1, D1, D3], [D4, D2, D3], [D1, D2, D4], [D2, D2, D2]):
        yield Case(rule, "one of three is wrong", [ONE, TWO, THREE], calls, ARGUMENTS, ARGUMENTS)


def _pairing() -> Iterator[Case]:
    """The leaderboard gives each expected call, in turn, the first one that fits."""
    rule = "pairing"
    either, only_one = {"delete_note": {"note": [1, 2]}}, {"delete_note": {"note": [1]}}
    yield Case(
        rule, "the wide one takes what the narrow one needs", [either, only_one], [D1, D2], ARGUMENTS, RIGHT
    )
    yield Case(rule, "the same, the calls the other way round", [either, only_one], [D2, D1], RIGHT, RIGHT)
    yield Case(rule, "the same, the narrow one first", [only_one, either], [D1, D2], RIGHT, RIGHT)
    yield Case(rule, "the narrow one finds nothing", [either, only_one], [D2, D2], ARGUMENTS, ARGUMENTS)
    any_three = {"delete_note": {"note": [1, 2, 3]}}
    chain = [any_three, either, only_one]
    yield Case(rule, "a chain of three, widest first", chain, [D1, D2, D3], ARGUMENTS, RIGHT)
    yield Case(rule, "the same, narrowest last in the calls", chain, [D3, D2, D1], RIGHT, RIGHT)
    yield Case(rule, "the same, two changed places", chain, [D3, D1, D2], ARGUMENTS, RIGHT)
    yield Case(rule, "the chain, narrowest first", chain[::-1], [D1, D2, D3], RIGHT, RIGHT)
    yield Case(rule, "the chain with a call that fits none", chain, [D1, D2, D4], ARGUMENTS, ARGUMENTS)
    optional = {"add_note": {"text": ["x"], "machine": ["M1", ""]}}
    needed = {"add_note": {"text": ["x"], "machine": ["M1"]}}
    with_machine = call("add_note", {"text": "x", "machine": "M1"})
    yield Case(
        rule,
        "one may leave out what the other needs",
        [optional, needed],
        [with_machine, ADD],
        ARGUMENTS,
        RIGHT,
    )
    yield Case(
        rule, "the same, the calls the other way round", [optional, needed], [ADD, with_machine], RIGHT, RIGHT
    )
    yield Case(rule, "both leave it out", [optional, needed], [ADD, ADD], ARGUMENTS, ARGUMENTS)
    folded = call("add_note", {"text": "X"})
    plain = [{"add_note": {"text": ["x"]}}, {"add_note": {"text": ["y"]}}]
    other = call("add_note", {"text": "y"})
    yield Case(rule, "each has its own, one of them folded", plain, [other, folded], RIGHT, ARGUMENTS)
    yield Case(rule, "each has its own", plain, [other, ADD], RIGHT, RIGHT)


def _tools() -> Iterator[Case]:
    rule = "tool_name"
    for name in (
        "Delete_note",
        "deleteNote",
        "delete-note",
        "delete_note ",
        "delete",
        "sudo",
        "",
        "functions.delete_note",
    ):
        yield Case(rule, "another name", [ONE], [call(name, {"note": 1})], TOOLS, TOOLS)
    yield Case(rule, "another tool that is offered", [ONE], [ADD], TOOLS, TOOLS)
    yield Case(
        rule, "another tool with the same arguments", [ONE], [call("status", {"note": 1})], TOOLS, TOOLS
    )
    yield Case(rule, "one of two tools", [ONE, NOTE], [D1, LOOK], TOOLS, TOOLS)
    yield Case(rule, "one tool twice for two", [ONE, NOTE], [D1, D1], TOOLS, TOOLS)
    yield Case(rule, "the right tool", [NOTE], [ADD], RIGHT, RIGHT)
    yield Case(rule, "the right tools, arguments changed about", [ONE, NOTE], [call("delete_note", {"text": "x"}),
               call("add_note", {"note": 1})], ARGUMENTS, ARGUMENTS)  # fmt: skip
