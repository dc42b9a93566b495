"""Whatever the API's description allows, and what it forbids: no server error, and answers as described."""

from collections.abc import Mapping
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.console.conftest import Console

EXAMPLES = 2
OF_EVERY_ROUTE: list[CheckFunction] = [not_a_server_error]
OF_THE_API: list[CheckFunction] = [
    *OF_EVERY_ROUTE,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
"""Pages answer errors as pages, which their description leaves open."""


USERS = ("admin", "operator")


def test_the_api_keeps_to_its_description(console: Console) -> None:
    """For whom everything is allowed, and for whom a part is: each request is made by both."""
    users = {user: console.headers(user) for user in USERS}
    schema = schemathesis.openapi.from_asgi("/openapi.json", console.app, headers=users["admin"])
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(operations) > 50
    failed = {operation.label: broken for operation in operations if (broken := _broken(operation, users))}
    assert failed == {}


def _broken(operation: APIOperation[Any, Any, Any, Any], users: Mapping[str, dict[str, str]]) -> str:
    """What an operation does against its description, and for whom; empty when it keeps to it."""
    checks = OF_THE_API if operation.path.startswith("/v1/") else OF_EVERY_ROUTE
    allowed, forbidden = (
        operation.as_strategy(generation_mode=mode)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    )

    @seed(2026)
    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=allowed | forbidden)
    def examine(case: Case[Any]) -> None:
        for user, headers in users.items():
            try:
                case.call_and_validate(headers=headers, checks=checks)
            except FailureGroup as failures:
                raise AssertionError(f"{user}: {failures}") from failures

    try:
        examine()
    except AssertionError as broken:
        return str(broken)
    return ""
