"""A deployment that a pin file holds is shown as such, wherever somebody could take it for an ordinary one."""

from datetime import timedelta

from tests.console.conftest import Console
from tests.console.seed import DEPLOYMENT

PATHS = ("/", f"/deployments/{DEPLOYMENT}")


async def test_pages_and_api_say_which_router_holds_it_and_on_what(console: Console) -> None:
    for path in PATHS:
        assert "Pinned by hand" not in (await console.get("viewer", path)).text

    with console.store.write() as tx:
        known = next(known for known in tx.routing.routers() if known.lease.router == "router-1")
        lease = known.lease.model_copy(update={"pinned": {DEPLOYMENT: "v0"}})
        tx.routing.renew(lease, console.clock.now() + timedelta(seconds=10))

    shown = (await console.get("viewer", f"/v1/deployments/{DEPLOYMENT}")).json()["routers"]
    assert {router["router"]: router["pinned"] for router in shown} == {
        router["router"]: "v0" if router["router"] == "router-1" else None for router in shown
    }
    for path in PATHS:
        page = (await console.get("viewer", path)).text
        assert "A pin file holds it on v0 at router-1: no promotion" in page
