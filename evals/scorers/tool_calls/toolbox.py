"""The tools that a sample offers, compiled once for each list."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

import jsonschema_rs
import orjson

from aftertune.errors import BadInput

_TYPES: Mapping[str, type] = MappingProxyType(
    {
        "string": str,
        "integer": int,
        "number": float,
        "float": float,
        "boolean": bool,
        "array": list,
        "tuple": list,
        "object": dict,
        "dict": dict,
    }
)

LONGEST_COMPLAINT = 200


class Types(NamedTuple):
    """Python's types of a parameter's JSON values: its own, and for an array that of its elements.

    A parameter of no type, or of several, counts as a string, as the leaderboard's `any` does.
    """

    own: type
    elements: type | None


class Tool(NamedTuple):
    """`types` has every declared parameter."""

    name: str
    required: tuple[str, ...]
    types: Mapping[str, Types]
    schema: jsonschema_rs.Draft202012Validator

    def allows(self, arguments: Mapping[str, Any]) -> bool:
        """Whether they are valid by the tool's JSON Schema; what the validator cannot hold is not."""
        try:
            return self.schema.is_valid(arguments)
        except (ValueError, TypeError, RecursionError, OverflowError):
            return False

    def complaint(self, arguments: Mapping[str, Any]) -> str:
        """What the schema has against them, in short; empty when it allows them."""
        if self.allows(arguments):
            return ""
        try:
            said = [error.message for error in self.schema.iter_errors(arguments)]
        except (ValueError, TypeError, RecursionError, OverflowError):
            said = []
        return (said[0] if said else "they cannot be checked")[:LONGEST_COMPLAINT]


Toolbox = Mapping[str, Tool]
"""By name."""


def toolbox(tools: Sequence[Mapping[str, Any]]) -> Toolbox:
    """Of an OpenAI tools list. Raises BadInput for one that is not JSON, has no names, or a schema that is none."""
    try:
        return _compiled(orjson.dumps(list(tools)))
    except (TypeError, RecursionError) as error:
        raise BadInput(f"A list of tools is not JSON: {error}.") from None


@lru_cache(maxsize=1024)
def _compiled(tools: bytes) -> Toolbox:
    compiled = [_tool(each) for each in orjson.loads(tools)]
    return MappingProxyType({tool.name: tool for tool in compiled})


def _tool(tool: Any) -> Tool:
    try:
        name, parameters = str(tool["function"]["name"]), tool["function"].get("parameters") or {}
        properties = dict(parameters.get("properties") or {})
        required = tuple(parameters.get("required") or ())
    except (TypeError, KeyError, AttributeError, ValueError):
        raise BadInput(
            "A tool has no function with a name and an object of parameters.",
            'Write {"type": "function", "function": {"name": ..., "parameters": {...}}}.',
        ) from None
    try:
        schema = jsonschema_rs.Draft202012Validator(parameters, retriever=_not_retrieved)
    except (ValueError, TypeError) as error:
        said = str(error).partition("\n")[0]
        raise BadInput(f"The parameters of tool {name!r} are no JSON Schema: {said}.") from None
    return Tool(name, required, {each: _types(of) for each, of in properties.items()}, schema)


def _types(schema: Any) -> Types:
    own = _type(schema, str)
    elements = _type(schema.get("items"), None) if own is list and isinstance(schema, dict) else None
    return Types(own or str, elements)


def _type(schema: Any, otherwise: type | None) -> type | None:
    declared = schema.get("type") if isinstance(schema, dict) else None
    if declared is None:
        return otherwise
    return _TYPES.get(declared, str) if isinstance(declared, str) else str


def _not_retrieved(uri: str) -> NoReturn:
    raise ValueError(f"{uri} is outside the schema, and nothing is fetched")
