"""What a file holds, as the value that it should be."""

from typing import Any, TypeVar

from pydantic import ValidationError

from aftertune.errors import BadInput
from aftertune.values.value import Value

V = TypeVar("V", bound=Value)


def validated(kind: type[V], raw: Any, where: str) -> V:
    """Raises BadInput that says where, and names the first field that is wrong."""
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{where} is wrong at {name or 'its top'}: {first['msg']}.") from None
