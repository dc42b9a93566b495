"""The table in force never goes backwards."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.errors import Conflict
from aftertune.routing_files import known_targets, read_past
from aftertune.values.route import KeyGrant, Route, RoutingTable, Target
from serving.router.metrics import Metrics
from serving.router.routing_table import Routing

TARGET = Target(release="v1", url="http://a", served_name="v1")
tables = st.builds(
    lambda revision, generations: RoutingTable(
        revision=revision,
        routes=tuple(Route(deployment=n, generation=g, stable=TARGET) for n, g in generations.items()),
    ),
    st.integers(0, 5),
    st.dictionaries(st.sampled_from("ab"), st.integers(1, 5)),
)
NOWHERE = Path("/dev/null/routing.json")


@given(st.lists(tables, max_size=12))
def test_revision_and_generations_only_rise(offered: list[RoutingTable]) -> None:
    metrics = Metrics()
    routing = Routing(NOWHERE, metrics)
    refused = 0
    for table in offered:
        before, revision = routing.generations, routing.revision
        try:
            routing.accept(table)
        except Conflict:
            refused += 1
            assert (routing.generations, routing.revision) == (before, revision)
        else:
            assert routing.table == table
            assert routing.revision >= revision
            assert all(
                routing.generations[name] >= before[name] for name in before if name in routing.generations
            )
    assert f"aftertune_routing_tables_refused_total {refused}.0" in metrics.render().decode()


def test_the_copy_on_disk_outlives_the_process(tmp_path: Path) -> None:
    file = tmp_path / "routing" / "router-1.json"
    table = RoutingTable(
        revision=4,
        routes=(Route(deployment="a", generation=7, stable=TARGET),),
        keys={"h": KeyGrant(name="n")},
    )
    Routing(file, Metrics()).accept(table)
    assert file.stat().st_mode & 0o777 == 0o600
    restarted = Routing(file, Metrics())
    restarted.load()
    assert restarted.table == table
    with pytest.raises(Conflict, match="older than 4"):
        restarted.accept(table.model_copy(update={"revision": 3}))


@pytest.mark.parametrize("content", [b"", b"{", b'{"revision": "x"}', b"\xff\xfe"])
def test_a_broken_copy_on_disk_is_no_table(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "router-1.json"
    file.write_bytes(content)
    routing = Routing(file, Metrics())
    routing.load()
    assert routing.table is None


def stable_at(release: str, revision: int) -> RoutingTable:
    target = Target(release=release, url=f"http://{release}", served_name=release)
    return RoutingTable(
        revision=revision, routes=(Route(deployment="a", generation=revision, stable=target),)
    )


def test_a_router_without_a_table_of_its_own_takes_the_newest_of_its_host(tmp_path: Path) -> None:
    for number in (3, 5, 4):
        Routing(tmp_path / f"router-{number}.json", Metrics()).accept(stable_at("v1", number))
    (tmp_path / "pin.json").write_text('{"revision": 9}')
    fresh = Routing(tmp_path / "router-9.json", Metrics())
    fresh.load()
    assert fresh.revision == 5


def test_where_stable_was_before_is_remembered(tmp_path: Path) -> None:
    routing = Routing(tmp_path / "router-1.json", Metrics())
    for revision, release in enumerate(("v1", "v1", "v2", "v3", "v1", "v4"), start=1):
        routing.accept(stable_at(release, revision))
    past = tmp_path / "router-1.past"
    assert past.stat().st_mode & 0o777 == 0o600
    assert [target.release for target in read_past(past).targets["a"]] == ["v1", "v3", "v2"]
    (route,) = stable_at("v4", 6).routes
    assert known_targets(tmp_path, route).keys() == {"v1", "v2", "v3", "v4"}


def test_a_full_disk_stops_no_routing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "router-1.json"
    routing = Routing(file, Metrics())
    routing.accept(stable_at("v1", 1))
    (tmp_path / "router-1.json.new").symlink_to("/dev/full")
    routing.accept(stable_at("v2", 2))
    route = routing.route("a")
    assert route is not None
    assert (route.stable.release, routing.revision) == ("v2", 2)
    assert "cannot be kept on disk" in caplog.text
    again = Routing(file, Metrics())
    again.load()
    assert again.revision == 1
