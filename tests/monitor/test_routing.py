"""From deployments and engines to a table."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aftertune.capabilities import ACCEPTED_FIELDS
from aftertune.values.deployment import Deployment, ShadowRule
from aftertune.values.exchange import CapturePolicy
from aftertune.values.release import EngineKind, EngineState, EngineStatus
from aftertune.values.route import KeyGrant, MirrorBudget, Mode, Route, RoutingTable
from monitor.routing import Known, routing_table
from tests.aftertune.samples import AT, release

RELEASES = {
    "v1": release("v1"),
    "v2": release("v2", engine=EngineKind.EXTERNAL, served_name="gpt"),
    "v3": release("v3", engine=EngineKind.EXTERNAL, replicas=("http://v3", "http://v3-b")),
}


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


def only_route(
    deployment: Deployment, engines: dict[str, EngineStatus], quarantined: frozenset[str] = frozenset()
) -> Route | None:
    return routing_table([deployment], Known(engines, RELEASES, quarantined), {}).route("tasks")


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


SHADOWED = CANARY.model_copy(
    update={
        "rename": True,
        "budget": MirrorBudget(per_s=2),
        "shadows": (ShadowRule(release="v3", share=0.1, budget=MirrorBudget(concurrency=2)),),
    }
)


def test_settings_and_shadows_are_routed() -> None:
    route = only_route(SHADOWED, ENGINES)

    assert route is not None
    assert (route.rename, route.budget) == (True, MirrorBudget(per_s=2))
    (shadow,) = route.shadows
    assert (shadow.target.release, shadow.share, shadow.budget.concurrency) == ("v3", 0.1, 2)
    assert (shadow.target.url, shadow.target.replicas) == ("http://v3", ("http://v3-b",))


def test_a_shadow_that_is_not_ready_or_in_quarantine_gets_nothing() -> None:
    for engines, quarantined in (
        ({**ENGINES, "v3": engine("v3", state=EngineState.STARTING)}, frozenset[str]()),
        ({"v1": ENGINES["v1"]}, frozenset[str]()),
        (ENGINES, frozenset({"v3"})),
    ):
        route = only_route(SHADOWED, engines, quarantined)
        assert route is not None
        assert route.shadows == ()


def test_previous_good_stands_in_where_its_plan_said_so() -> None:
    promoted = Deployment(name="tasks", generation=5, stable="v2", previous_good="v1", fall_back=True)
    away = {**ENGINES, "v1": engine("v1", state=EngineState.FAILED)}
    for engines in (ENGINES, away):
        route = only_route(promoted, engines)
        assert route is not None
        assert route.fallback is not None
        assert route.fallback.release == "v1"
    for deployment, engines, quarantined in (
        (promoted, ENGINES, frozenset({"v1"})),
        (promoted, {"v2": ENGINES["v2"]}, frozenset[str]()),
        (promoted.model_copy(update={"fall_back": False}), ENGINES, frozenset[str]()),
        (promoted.model_copy(update={"previous_good": None}), ENGINES, frozenset[str]()),
    ):
        route = only_route(deployment, engines, quarantined)
        assert route is not None
        assert route.fallback is None


@given(
    st.permutations([CANARY, CANARY.model_copy(update={"name": "other", "mode": Mode.SHADOW, "share": 0.0})]),
    st.permutations([("h1", KeyGrant(name="ann")), ("h2", KeyGrant(name="bob"))]),
)
def test_the_same_state_makes_the_same_valid_table_in_any_order(
    deployments: list[Deployment], keys: list[tuple[str, KeyGrant]]
) -> None:
    known = Known(ENGINES, RELEASES)
    table = routing_table(deployments, known, dict(keys))

    assert [route.deployment for route in table.routes] == ["other", "tasks"]
    assert RoutingTable.model_validate_json(table.model_dump_json()) == table
    assert table.digest() == routing_table(deployments[::-1], known, dict(keys[::-1])).digest()
