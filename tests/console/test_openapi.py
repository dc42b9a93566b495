"""The API's description is valid and complete."""

from collections.abc import Iterator
from typing import Any

from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator

from tests.console.conftest import Console


async def test_every_route_is_described(console: Console) -> None:
    document = (await console.get("viewer", "/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    described = {(path, method) for path, operations in document["paths"].items() for method in operations}
    served = {
        (route.path_format, method.lower())
        for route in console.app.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert described == served


async def test_references_resolve_and_schemas_are_valid(console: Console) -> None:
    document = (await console.get("viewer", "/openapi.json")).json()
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    references = set(_references(document))
    assert references
    assert {reference.removeprefix("#/components/schemas/") for reference in references} <= set(schemas)
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert "application/problem+json" in operation["responses"]["default"]["content"]
        assert ("security" in operation) != ("x-public" in operation)
        for name in [p["name"] for p in operation.get("parameters", [])]:
            assert name != "idempotency_key"


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
