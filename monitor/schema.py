"""Whether arguments fit a tool's JSON Schema.

The schema comes from a client. So nothing is fetched for a `$ref`, and regular expressions are left out: one
crafted pattern could stall ingest. A schema that cannot be used constrains nothing: the fault is not the model's.
"""

from functools import lru_cache
from typing import Any

import orjson
from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable


def fits(arguments: dict[str, Any], schema: bytes) -> bool:
    """True also where the schema is empty, wrong, or refers to what it does not contain."""
    validator = _validator(schema)
    if validator is None:
        return True
    try:
        validator.validate(arguments)
    except ValidationError:
        return False
    except (Unresolvable, RecursionError, ArithmeticError, TypeError, ValueError):
        return True
    return True


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> Validator | None:
    if not schema:
        return None
    try:
        body = _without_patterns(orjson.loads(schema))
        kind = validator_for(body, default=Draft202012Validator)
        kind.check_schema(body)
        return kind(body, registry=Registry())
    except (SchemaError, RecursionError, TypeError, ValueError):
        return None


def _without_patterns(schema: Any) -> Any:
    """A property may be called `pattern`: only the keyword, whose value is a string, goes."""
    if isinstance(schema, list):
        return [_without_patterns(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    dropped = {"pattern"} if isinstance(schema.get("pattern"), str) else set()
    if isinstance(schema.get("patternProperties"), dict):
        # Without its patterns, a closed object would refuse the keys that they allow.
        dropped |= {"patternProperties", "additionalProperties", "unevaluatedProperties"}
    return {key: _without_patterns(item) for key, item in schema.items() if key not in dropped}
