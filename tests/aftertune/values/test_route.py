"""A route says where requests go, without contradiction."""

from typing import Any

import pytest
from pydantic import ValidationError

from aftertune.values.route import KeyGrant, Mode, Route, RoutingTable, Target

V1 = Target(release="v1", url="http://127.0.0.1:9001", served_name="v1")
V2 = Target(release="v2", url="http://127.0.0.1:9002", served_name="v2", accepts=("model", "messages"))


def route(**changes: Any) -> Route:
    return Route(**({"deployment": "tasks", "generation": 1, "stable": V1} | changes))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"candidate": V2, "mode": Mode.SHADOW, "mirror": 1.0},
        {"candidate": V2, "mode": Mode.CANARY, "share": 0.2, "mirror": 0.0},
        {"candidate": V2, "mode": Mode.CANARY, "share": 0.0},
    ],
)
def test_routes_that_make_sense_survive_json(fields: dict[str, Any]) -> None:
    table = RoutingTable(revision=3, routes=(route(**fields),), keys={"hash": KeyGrant(name="olga")})
    assert RoutingTable.model_validate_json(table.model_dump_json()) == table


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"candidate": V2}, "mode none with candidate"),
        ({"mode": Mode.SHADOW}, "mode shadow with candidate None"),
        ({"mode": Mode.CANARY, "share": 0.1}, "mode canary with candidate None"),
        ({"candidate": V2, "mode": Mode.SHADOW, "share": 0.1}, "needs mode canary"),
        ({"share": 0.1}, "needs mode canary"),
        ({"generation": 0}, "generation"),
        ({"candidate": V2, "mode": Mode.CANARY, "share": 1.5}, "share"),
        ({"candidate": V2, "mode": Mode.SHADOW, "mirror": -0.5}, "mirror"),
        ({"weight": 1}, "weight"),
    ],
)
def test_contradictions_are_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        route(**fields)


def test_a_table_finds_its_routes() -> None:
    table = RoutingTable(revision=1, routes=(route(), route(deployment="plants")))
    assert table.route("plants") == route(deployment="plants")
    assert table.route("unknown") is None


def test_digests_are_stable_across_versions_of_the_program() -> None:
    assert route().digest() == "c310b5481349f750bdcde325a395092afd90a697436ebaf66463e35e29c79d44"
    assert (
        RoutingTable(revision=1, routes=(route(),)).digest()
        == "f1ebe0b8e19050fbf04d6e4d1e3e78fb26585e1c6fa9c9d7d5b093aaf51270bf"
    )
