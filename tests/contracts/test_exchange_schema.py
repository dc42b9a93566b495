"""The exchange schema is frozen: other programs read what we store and spool."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from aftertune.values.exchange import Endpoint, Exchange, ExchangeHeader, ExchangeRole

HERE = Path(__file__).parent
GOLDEN = HERE / "exchange.schema.json"
EXAMPLES = HERE / "examples"
WHAT_TO_DO = (
    "The exchange schema changed. Spools and databases that exist hold the old one. A new field must have a"
    " default; a removed, renamed or retyped field needs a new schema_version, a migration and a word in"
    " docs/adr. Then write the golden copy anew: python -m tests.contracts.test_exchange_schema"
)


def schemas() -> dict[str, Any]:
    return {kind.__name__: kind.model_json_schema() for kind in (ExchangeHeader, Exchange)}


def golden() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(GOLDEN.read_text())
    return content


def example(role: ExchangeRole) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((EXAMPLES / f"{role}.json").read_text())
    return content


@pytest.mark.parametrize("kind", ["ExchangeHeader", "Exchange"])
def test_fields_are_those_that_were_promised(kind: str) -> None:
    now, promised = schemas()[kind]["properties"], golden()[kind]["properties"]
    added, removed = sorted(now.keys() - promised.keys()), sorted(promised.keys() - now.keys())
    assert (added, removed) == ([], []), f"{kind}: added {added}, removed {removed}. {WHAT_TO_DO}"


@pytest.mark.parametrize("kind", ["ExchangeHeader", "Exchange"])
def test_schema_is_its_golden_copy(kind: str) -> None:
    assert schemas()[kind] == golden()[kind], WHAT_TO_DO


@pytest.mark.parametrize("role", list(ExchangeRole))
def test_a_stored_example_of_each_role_still_decodes(role: ExchangeRole) -> None:
    stored = example(role)
    exchange = Exchange.model_validate(stored)
    assert exchange.role is role
    assert exchange.model_dump(mode="json") == stored, WHAT_TO_DO
    jsonschema.validate(stored, golden()["Exchange"])


@pytest.mark.parametrize("role", list(ExchangeRole))
def test_the_header_of_each_example_decodes_as_spooled(role: ExchangeRole) -> None:
    header = {name: value for name, value in example(role).items() if name in ExchangeHeader.model_fields}
    assert ExchangeHeader.model_validate_json(json.dumps(header)).model_dump(mode="json") == header


NEWER = {"endpoint": Endpoint.CHAT, "trace_id": None}
"""Fields that were added later, and what a record without them means."""


def test_a_record_from_before_a_field_was_added_still_decodes() -> None:
    stored = {name: value for name, value in example(ExchangeRole.STABLE).items() if name not in NEWER}
    read = Exchange.model_validate(stored)
    assert {name: getattr(read, name) for name in NEWER} == NEWER


@pytest.mark.parametrize("field", sorted(Exchange.model_fields.keys() - NEWER.keys() - {"schema_version"}))
def test_no_field_may_be_missing(field: str) -> None:
    stored = example(ExchangeRole.STABLE)
    del stored[field]
    with pytest.raises(ValidationError, match=field):
        Exchange.model_validate(stored)


def test_a_field_that_nobody_promised_is_refused() -> None:
    with pytest.raises(ValidationError, match="mood"):
        Exchange.model_validate(example(ExchangeRole.STABLE) | {"mood": "good"})


def test_another_schema_version_is_refused() -> None:
    with pytest.raises(ValidationError, match="schema_version"):
        Exchange.model_validate(example(ExchangeRole.STABLE) | {"schema_version": 2})


def test_a_credential_has_no_place_in_an_exchange() -> None:
    assert not {"token", "authorization", "api_key", "password"} & set(Exchange.model_fields)


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(schemas(), indent=2) + "\n")
