"""The data port keeps to `docs/router-openapi.yaml`, and that describes all of it."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from aiohttp import ClientSession
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from aftertune.values.exchange import Endpoint
from serving.router.app import Router
from tests.fakes.engine import FakeEngine
from tests.serving.router.asked import send
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import CHAT_KEY, DEPLOYMENT, table, target

DESCRIPTION = Path(__file__).parents[3] / "docs" / "router-openapi.yaml"
EXAMPLES = 10
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(DESCRIPTION.read_text())
    return parsed


def operations(described: dict[str, Any]) -> list[APIOperation[Any, Any, Any, Any]]:
    """Those of the description, for a router with one deployment."""
    named = {**described["components"]["schemas"], "Deployment": {"enum": [DEPLOYMENT]}}
    known = {**described, "components": {**described["components"], "schemas": named}}
    schema = schemathesis.openapi.from_dict(known)
    return [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]


# Hypothesis takes draws from `random` for its strategies' own; they are the router's, in another thread.
@pytest.mark.filterwarnings(
    "ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning"
)
@pytest.mark.parametrize("mode", list(GenerationMode))
async def test_answers_are_as_described(
    start: StartRouter, stable: FakeEngine, described: dict[str, Any], mode: GenerationMode
) -> None:
    router = await start(table(target(stable)))
    for operation in operations(described):
        await asyncio.to_thread(examine, operation, router, mode)
    if mode is GenerationMode.POSITIVE:
        assert {seen.path for seen in stable.seen} >= {endpoint.value for endpoint in Endpoint}


def examine(operation: APIOperation[Any, Any, Any, Any], router: Router, mode: GenerationMode) -> None:
    """Ask what the description allows, or forbids. Raises what schemathesis makes of the answers."""

    @seed(2026)
    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case[Any]) -> None:
        headers = {"authorization": f"Bearer {CHAT_KEY}"}
        case.call_and_validate(base_url=router.url, headers=headers, checks=CHECKS)

    with contextlib.suppress(Unsatisfiable):  # a route without input has none that is wrong
        ask()


async def test_every_described_route_is_served_and_no_other_endpoint_is(
    start: StartRouter, stable: FakeEngine, session: ClientSession, described: dict[str, Any]
) -> None:
    router = await start(table(target(stable)))
    for path, methods in described["paths"].items():
        for method in methods:
            url = router.url + path.replace("{id}", DEPLOYMENT)
            answer = await send(session, method.upper(), url, {"authorization": f"Bearer {CHAT_KEY}"}, b"{}")
            if path != "/healthz":
                assert answer.header("x-request-id")
            unknown = answer.status >= 400 and answer.error["code"] in ("unknown_url", "method_not_allowed")
            assert not unknown, (method, path)
    assert {endpoint.value for endpoint in Endpoint} <= set(described["paths"])


def test_the_description_is_sound(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1")
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for path, methods in described["paths"].items():
        for operation in methods.values():
            assert operation["summary"], path
            assert "default" in operation["responses"] or path == "/healthz"
    names = [
        operation["operationId"] for methods in described["paths"].values() for operation in methods.values()
    ]
    assert len(set(names)) == len(names)
