"""Whether arguments fit a tool's JSON Schema.

The schema comes from a client. So nothing is fetched for a `$ref`, regular expressions are left out (one crafted
pattern could stall ingest), and size and work are bounded. A schema that cannot be used, or that exceeds a bound,
constrains nothing: the fault is not the model's.
"""

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import lru_cache, partial
from typing import Any, cast

import orjson
from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

MAX_REFS = 16
"""References, of any kind, in one schema."""

MAX_DEPTH = 32
"""Objects and lists inside each other."""

MAX_NODES = 2000
"""Objects, lists and plain values in one schema."""

MAX_STEPS = 50_000
"""Work to validate one call's arguments: a few references can still ask for endless work."""

_REFS = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})

_steps_left: ContextVar[int] = ContextVar("steps_left")


class _TooMuchWork(Exception):
    """Not for callers: the schema asks for more than MAX_STEPS."""


def fits(arguments: dict[str, Any], schema: bytes) -> bool:
    """True also where the schema is empty, wrong, too large, or refers to what it does not contain."""
    validator = _validator(schema)
    if validator is None:
        return True
    _steps_left.set(MAX_STEPS)
    try:
        return validator.is_valid(arguments)
    except (_TooMuchWork, Unresolvable, RecursionError, ArithmeticError, TypeError, ValueError):
        return True


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> Validator | None:
    if not schema:
        return None
    try:
        body = orjson.loads(schema)
        if not _is_within_bounds(body):
            return None
        kind = validator_for(body, default=Draft202012Validator)
        body = _without_what_could_stall(body)
        kind.check_schema(body)
        return _counting(kind)(body, registry=Registry())
    except (SchemaError, RecursionError, TypeError, ValueError):
        return None


def _is_within_bounds(schema: Any) -> bool:
    refs, nodes, level = 0, 0, [schema]
    for _ in range(MAX_DEPTH):
        nodes += len(level)
        refs += sum(len(_REFS & node.keys()) for node in level if isinstance(node, dict))
        if nodes > MAX_NODES or refs > MAX_REFS:
            return False
        level = [item for node in level for item in _inside(node)]
        if not level:
            return True
    return False


def _inside(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _without_what_could_stall(schema: Any) -> Any:
    """No regular expressions, no `unevaluated…` (it validates parts again and again), and no second dialect, whose
    keywords would not be counted.

    A property may be called `pattern`: only the keyword, whose value is a string, goes.
    """
    if isinstance(schema, list):
        return [_without_what_could_stall(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    dropped = {name for name in ("pattern", "$schema") if isinstance(schema.get(name), str)}
    dropped |= {"unevaluatedItems", "unevaluatedProperties"}
    if isinstance(schema.get("patternProperties"), dict):
        # Without its patterns, a closed object would refuse the keys that they allow.
        dropped |= {"patternProperties", "additionalProperties"}
    return {key: _without_what_could_stall(item) for key, item in schema.items() if key not in dropped}


@lru_cache
def _counting(kind: type[Validator]) -> type[Validator]:
    """The dialect with keywords that are paid for."""
    counted = {name: partial(_paid, name, keyword) for name, keyword in kind.VALIDATORS.items()}
    return cast("type[Validator]", extend(kind, counted))  # type: ignore[no-untyped-call]


def _paid(
    name: str,
    keyword: Callable[..., Iterable[ValidationError] | None],
    validator: Validator,
    value: Any,
    instance: Any,
    schema: Any,
) -> Iterable[ValidationError] | None:
    left = _steps_left.get() - _cost(name, value, instance)
    if left < 0:
        raise _TooMuchWork
    _steps_left.set(left)
    return keyword(validator, value, instance, schema)


def _cost(name: str, value: Any, instance: Any) -> int:
    """In steps of some ten microseconds: what a keyword does by itself, however little its subschemas say."""
    size = _size(instance)
    if name in _REFS:
        return 50  # Some references search the whole schema.
    if name == "uniqueItems":
        return 1 + size * size // 10  # Each item may be compared with each.
    return 1 + size + _size(value)


def _size(value: Any) -> int:
    return len(value) if isinstance(value, list | dict) else 0
