"""From deployments and engines to a table."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aftertune.capabilities import ACCEPTED_FIELDS
from aftertune.values.deployment import Deployment
from aftertune.values.exchange import CapturePolicy
from aftertune.values.release import EngineKind, EngineState, EngineStatus
from aftertune.values.route import Mode, Route, RoutingTable
from monitor.routing import routing_table
from tests.aftertune.samples import AT, release

RELEASES = {"v1": release("v1"), "v2": release("v2", engine=EngineKind.EXTERNAL, served_name="gpt")}


def engine(name: str, **changes: Any) -> EngineStatus:
    known = {
        "release": name,
        "kind": RELEASES[name].engine,
        "state": EngineState.READY,
        "url": f"http://{name}",
        "updated_at": AT,
    }
    return EngineStatus(**(known | changes))


ENGINES = {name: engine(name) for name in RELEASES}
CANARY = Deployment(
    name="tasks",
    generation=4,
    stable="v1",
    candidate="v2",
    mode=Mode.CANARY,
    share=0.2,
    mirror=1.0,
    capture=CapturePolicy.METADATA,
)


def only_route(deployment: Deployment, engines: dict[str, EngineStatus]) -> Route | None:
    return routing_table([deployment], engines, RELEASES, {}).route("tasks")


def test_a_canary_is_routed_in_full() -> None:
    route = only_route(CANARY, ENGINES)

    assert route is not None
    assert route.candidate is not None
    assert (route.generation, route.mode, route.share, route.mirror) == (4, Mode.CANARY, 0.2, 1.0)
    assert route.capture is CapturePolicy.METADATA
    assert (route.stable.url, route.stable.served_name) == ("http://v1", "v1")
    assert route.stable.accepts == ACCEPTED_FIELDS[EngineKind.TRANSFORMERS]
    assert (route.candidate.served_name, route.candidate.accepts) == ("gpt", None)


def test_a_candidate_whose_engine_is_not_ready_takes_no_part() -> None:
    for engines in ({"v1": ENGINES["v1"]}, {**ENGINES, "v2": engine("v2", state=EngineState.FAILED)}):
        route = only_route(CANARY, engines)
        assert route is not None
        assert (route.candidate, route.mode, route.share, route.mirror) == (None, Mode.NONE, 0.0, 0.0)
        assert route.generation == 4


def test_stable_keeps_its_last_address_while_its_engine_is_away() -> None:
    route = only_route(CANARY, {**ENGINES, "v1": engine("v1", state=EngineState.FAILED)})

    assert route is not None
    assert route.stable.url == "http://v1"


def test_a_deployment_that_never_had_an_engine_is_left_out() -> None:
    assert only_route(CANARY, {}) is None
    assert only_route(CANARY, {"v1": engine("v1", url="", state=EngineState.STARTING)}) is None


@given(
    st.permutations([CANARY, CANARY.model_copy(update={"name": "other", "mode": Mode.SHADOW, "share": 0.0})]),
    st.permutations([("h1", "ann"), ("h2", "bob")]),
)
def test_the_same_state_makes_the_same_valid_table_in_any_order(
    deployments: list[Deployment], keys: list[tuple[str, str]]
) -> None:
    table = routing_table(deployments, ENGINES, RELEASES, dict(keys))

    assert [route.deployment for route in table.routes] == ["other", "tasks"]
    assert RoutingTable.model_validate_json(table.model_dump_json()) == table
    assert table.digest() == routing_table(deployments[::-1], ENGINES, RELEASES, dict(keys[::-1])).digest()
