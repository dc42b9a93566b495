"""Every route × every role × nobody: what the table of permissions says is what happens."""

import re

import pytest
from fastapi import FastAPI

from aftertune.identity import GRANTS, Permission, Role
from console.access import GuardedRoute, Needs, Public, guarded_router, needs, public
from tests.console.conftest import Console
from tests.console.evidence import JOB, REPORT, RUN
from tests.console.seed import DEPLOYMENT, PAIR, ROLLBACK, ROLLOUT

# What a reviewer should see change when a route is opened up.
TABLE = {
    "GET /": "read",
    "GET /deployments/{name}": "read",
    "GET /deployments/{name}/drift": "read",
    "POST /deployments/{name}/drift/relearn": "run_rollout",
    "GET /deployments/{name}/rollback": "roll_back",
    "POST /deployments/{name}/rollback": "roll_back",
    "GET /deployments/{name}/rollbacks/{rollback}": "read",
    "GET /evaluations": "read",
    "POST /evaluations": "run_evaluation",
    "GET /evaluations/{run}": "read",
    "GET /evaluations/{run}/regression": "read",
    "GET /evaluations/compare": "read",
    "GET /healthz": "public",
    "GET /keys": "manage_users",
    "POST /keys": "manage_users",
    "GET /keys/{name}": "manage_users",
    "POST /keys/{name}/revoke": "manage_users",
    "POST /keys/{name}/terms": "manage_users",
    "POST /keys/{name}/token": "manage_users",
    "GET /login": "public",
    "POST /login": "public",
    "POST /logout": "read",
    "GET /openapi.json": "read",
    "GET /releases": "read",
    "GET /releases/{release}": "read",
    "POST /releases/{release}/waivers": "waive_suite",
    "GET /reports": "read",
    "POST /reports": "build_report",
    "GET /reports/{report}": "read",
    "POST /reports/{report}/sign-offs": "sign_report",
    "GET /reviews": "read",
    "POST /reviews": "run_review",
    "GET /reviews/{campaign}": "read",
    "POST /reviews/{campaign}/close": "run_review",
    "GET /reviews/{campaign}/items/{item}": "read_payload",
    "POST /reviews/{campaign}/items/{item}": "rate",
    "POST /reviews/{campaign}/next": "rate",
    "GET /style.css": "public",
    "GET /training": "read",
    "GET /training/{job}": "read",
    "GET /v1/alerts": "read",
    "GET /v1/audit": "read",
    "GET /v1/audit/verification": "read",
    "GET /v1/deployments": "read",
    "POST /v1/deployments": "run_rollout",
    "GET /v1/deployments/{name}": "read",
    "PATCH /v1/deployments/{name}": "run_rollout",
    "POST /v1/deployments/{name}/capture": "set_capture",
    "GET /v1/deployments/{name}/drift": "read",
    "POST /v1/deployments/{name}/drift/relearn": "run_rollout",
    "GET /v1/deployments/{name}/feedback": "read",
    "POST /v1/deployments/{name}/freeze": "roll_back",
    "GET /v1/deployments/{name}/pairs": "read",
    "GET /v1/deployments/{name}/replay": "run_rollout",
    "POST /v1/deployments/{name}/replay": "run_rollout",
    "POST /v1/deployments/{name}/rollback": "roll_back",
    "GET /v1/deployments/{name}/rollbacks": "read",
    "POST /v1/deployments/{name}/unfreeze": "roll_back",
    "GET /v1/evaluations": "read",
    "POST /v1/evaluations": "run_evaluation",
    "GET /v1/evaluations/{run}": "read",
    "GET /v1/evaluations/{run}/regression": "read",
    "GET /v1/comparisons": "read",
    "GET /v1/evaluations/{run}/samples": "read_payload",
    "POST /v1/exchanges": "run_rollout",
    "GET /v1/exchanges/{request_id:path}": "read",
    "GET /v1/exchanges/{request_id:path}/feedback": "read",
    "POST /v1/feedback": "chat",
    "GET /v1/keys": "manage_users",
    "POST /v1/keys": "manage_users",
    "POST /v1/keys/{name}/revoke": "manage_users",
    "POST /v1/keys/{name}/terms": "manage_users",
    "POST /v1/keys/{name}/token": "manage_users",
    "GET /v1/me": "read",
    "GET /v1/pairs/{pair_id:path}": "read_payload",
    "GET /v1/releases": "read",
    "POST /v1/releases": "register_release",
    "GET /v1/releases/{release}": "read",
    "POST /v1/releases/{release}/lift-quarantine": "lift_quarantine",
    "POST /v1/releases/{release}/waivers": "waive_suite",
    "GET /v1/reports": "read",
    "POST /v1/reports": "build_report",
    "GET /v1/reports/{report}": "read",
    "GET /v1/reports/{report}/bundle": "read_payload",
    "GET /v1/reports/{report}/files/{file}": "read_payload",
    "POST /v1/reports/{report}/sign-offs": "sign_report",
    "GET /v1/reviews": "read",
    "POST /v1/reviews": "run_review",
    "GET /v1/reviews/{campaign}": "read",
    "POST /v1/reviews/{campaign}/close": "run_review",
    "GET /v1/reviews/{campaign}/export": "read_payload",
    "GET /v1/reviews/{campaign}/items/{item}": "read_payload",
    "POST /v1/reviews/{campaign}/items/{item}/rating": "rate",
    "GET /v1/reviews/{campaign}/labels": "read",
    "POST /v1/reviews/{campaign}/next": "rate",
    "GET /v1/reviews/{campaign}/results": "read",
    "GET /v1/rollbacks/{rollback}": "read",
    "GET /v1/rollouts": "read",
    "POST /v1/rollouts": "run_rollout",
    "GET /v1/rollouts/{rollout}": "read",
    "POST /v1/rollouts/{rollout}/abort": "run_rollout",
    "POST /v1/rollouts/{rollout}/approvals": "approve_plan",
    "POST /v1/rollouts/{rollout}/overrides": "override_check",
    "DELETE /v1/session": "read",
    "POST /v1/session": "read",
    "GET /v1/suites": "read",
    "GET /v1/training": "read",
    "GET /v1/training/{job}": "read",
    "GET /v1/users": "manage_users",
    "POST /v1/users": "manage_users",
    "POST /v1/users/{name}/disable": "manage_users",
    "POST /v1/users/{name}/token": "manage_users",
}

NAMES = {
    "release": "v1",
    "rollout": ROLLOUT,
    "rollback": ROLLBACK,
    "request_id": PAIR,
    "pair_id": PAIR,
    "run": RUN,
    "report": REPORT,
    "file": "report.json",
    "job": JOB,
    "campaign": "rv-none",
    "item": "it-none",
}


def routes(app: FastAPI) -> list[tuple[str, GuardedRoute]]:
    found = []
    for route in app.routes:
        assert isinstance(route, GuardedRoute), f"{route} is not guarded"
        found += [(method, route) for method in sorted(route.methods or ())]
    return found


def url(path: str) -> str:
    """A user named like this does not exist, so that no walk disables anybody."""
    names = NAMES | {"name": "nobody" if path.startswith("/v1/users") else DEPLOYMENT}
    return re.sub(r"{(\w+)(:path)?}", lambda match: names[match[1]], path)


async def test_the_table_is_complete_and_true(console: Console) -> None:
    found = {
        f"{method} {route.path}": str(route.access.permission)
        if isinstance(route.access, Needs)
        else "public"
        for method, route in routes(console.app)
    }
    assert found == TABLE


async def test_walk_of_all_routes_and_roles(console: Console) -> None:
    for method, route in routes(console.app):
        for role in Role:
            answer = await console.client.request(method, url(route.path), headers=console.headers(role))
            allowed = isinstance(route.access, Public) or route.access.permission in GRANTS[role]
            case = f"{role}: {method} {route.path} → {answer.status_code}"
            if allowed and not isinstance(route.access, Public):
                assert answer.status_code not in (401, 403), case
            if not allowed:
                assert answer.status_code == 403, case
                assert answer.headers["content-type"] == "application/problem+json", case
            assert answer.status_code < 500, case
            console.client.cookies.clear()


async def test_walk_of_all_routes_without_credential(console: Console) -> None:
    for method, route in routes(console.app):
        for headers in ({}, {"authorization": "Bearer at_wrong"}, {"authorization": "Basic eDp5"}):
            answer = await console.client.request(method, url(route.path), headers=headers)
            if isinstance(route.access, Needs):
                assert answer.status_code == 401, route.path
                assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "dependencies",
    [[], [needs(Permission.READ), needs(Permission.CHAT)], [needs(Permission.READ), public("x")]],
)
def test_a_route_without_exactly_one_guard_cannot_be_registered(dependencies: list[object]) -> None:
    router = guarded_router("test")
    with pytest.raises(TypeError, match="/open must name exactly one"):
        router.add_api_route("/open", lambda: None, dependencies=dependencies)  # type: ignore[arg-type]


async def test_the_app_itself_refuses_unguarded_routes(console: Console) -> None:
    with pytest.raises(TypeError, match="/open"):
        console.app.get("/open")(lambda: None)


async def test_a_disabled_user_is_nobody(console: Console) -> None:
    assert (await console.post("admin", "/v1/users/viewer/disable")).status_code == 200
    assert (await console.get("viewer", "/v1/me")).status_code == 401
