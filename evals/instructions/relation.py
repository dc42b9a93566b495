"""`less than` and `at least`, the two relations of counted instructions."""

from collections.abc import Mapping
from typing import Any

LESS_THAN = "less than"
AT_LEAST = "at least"
RELATIONS = (LESS_THAN, AT_LEAST)


def holds(count: int, arguments: Mapping[str, Any], relation: str, limit: str) -> bool:
    """`relation` and `limit` name the arguments; without a relation "at least" is meant."""
    wanted = int(arguments[limit])
    return count < wanted if arguments.get(relation) == LESS_THAN else count >= wanted
