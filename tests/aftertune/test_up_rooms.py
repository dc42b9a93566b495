"""Which processes a machine runs, how its routers are called, and where they listen."""

import socket
from pathlib import Path
from typing import Any

import pytest

from aftertune.address import resolve, url
from aftertune.errors import BadInput
from aftertune.rooms import port_is_free, ports, rooms, routers, stand_in
from aftertune.settings import Settings
from aftertune.settings.sections import RouterSettings


def settings(**router: Any) -> Settings:
    return Settings(home=Path("home"), router=RouterSettings.model_validate(router))


@pytest.mark.parametrize(
    ("name", "processes", "called", "spare"),
    [
        ("router-1", 1, ["router-1"], "router-2"),
        ("router-1", 3, ["router-1", "router-2", "router-3"], "router-4"),
        ("edge", 1, ["edge"], "edge-2"),
        ("edge", 2, ["edge-1", "edge-2"], "edge-3"),
        ("pod-11", 2, ["pod-11-1", "pod-11-2"], "pod-11-3"),
    ],
)
def test_routers_are_numbered_when_there_are_several(
    name: str, processes: int, called: list[str], spare: str
) -> None:
    given = settings(name=name, processes=processes, admin_port=9000)
    found = routers(given)
    assert [room.name for room in found] == called
    assert stand_in(given).name == spare
    for place, room in enumerate((*found, stand_in(given))):
        assert room.health == f"http://127.0.0.1:{9000 + place}/healthz"
        assert room.settings == {
            "AFTERTUNE_ROUTER__NAME": room.name,
            "AFTERTUNE_ROUTER__ADMIN_PORT": str(9000 + place),
            "AFTERTUNE_ROUTER__SHARE_PORT": "true",
        }


def test_routers_start_last_so_that_they_find_a_table() -> None:
    names = [room.name for room in rooms(settings(processes=2))]
    assert (names[0], names[-2:]) == ("monitor", ["router-1", "router-2"])


def test_nine_routers_fit_beside_the_other_rooms_usual_ports() -> None:
    taken = [port for _, port in ports(settings(processes=9)).values()]
    assert len(set(taken)) == len(taken)


def test_two_rooms_on_one_port_are_refused() -> None:
    with pytest.raises(
        BadInput, match=r"Port 8082 is wanted twice, as router__admin_port \+ 1 and as monitor__port"
    ):
        ports(settings(admin_port=8081, processes=2))


def test_a_port_is_free_or_not_on_both_kinds_of_address() -> None:
    for host in ("127.0.0.1", "::1"):
        with socket.create_server((host, 0), family=resolve(host, 0).family) as holder:
            port = holder.getsockname()[1]
            assert not port_is_free(host, port)
        assert port_is_free(host, port)


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("::1", "http://[::1]:80"), ("router", "http://router:80")],
)
def test_an_address_as_a_url(host: str, shown: str) -> None:
    assert url(host, 80) == shown
