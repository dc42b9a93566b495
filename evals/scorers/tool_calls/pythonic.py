"""Calls written as Python: name(key=value), or a list of them. Nothing is evaluated."""

import ast
import json
import re
import warnings
from typing import Any

from aftertune.values.exchange import ToolCall

LONGEST = 20_000
"""Characters that are parsed; a longer text is no call."""

_BEGINS = re.compile(r"\s*(\[?)\s*([A-Za-z_][\w.]*)\s*\(")
_JSON_NAMES = {"true": True, "false": False, "null": None}


def begun(text: str) -> tuple[str, bool] | None:
    """The first tool that a text like this calls, and whether a list begins; None when it begins otherwise."""
    found = _BEGINS.match(text)
    return (found[2], bool(found[1])) if found else None


def read(text: str) -> list[ToolCall] | None:
    """The whole text as calls with keyword arguments of literal values; None when it is anything else."""
    if len(text) > LONGEST or begun(text) is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text.strip(), mode="eval").body
        elements = body.elts if isinstance(body, ast.List | ast.Tuple) else [body]
        return [_call(each) for each in elements] or None
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None


def _call(node: ast.expr) -> ToolCall:
    if not isinstance(node, ast.Call) or node.args:
        raise ValueError("no call with keyword arguments")
    if any(keyword.arg is None for keyword in node.keywords):
        raise ValueError("** is no argument")
    # As text, because a repeated argument must stay visible.
    written = (f"{json.dumps(each.arg)}: {json.dumps(_literal(each.value))}" for each in node.keywords)
    return ToolCall(name=_dotted(node.func), arguments="{" + ", ".join(written) + "}")


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    raise ValueError("no name")


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Name) and node.id in _JSON_NAMES:
        return _JSON_NAMES[node.id]
    if isinstance(node, ast.List | ast.Tuple):
        return [_literal(each) for each in node.elts]
    if isinstance(node, ast.Dict):
        keys = [ast.literal_eval(key) if key else None for key in node.keys]
        if not all(isinstance(key, str) for key in keys) or len(set(keys)) < len(keys):
            raise ValueError("no JSON object")
        return dict(zip(keys, map(_literal, node.values), strict=True))
    return ast.literal_eval(node)
