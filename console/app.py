"""Builds the console."""

from collections.abc import Callable

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

import aftertune
from aftertune.clock import Clock
from aftertune.settings import Settings
from aftertune.store import Store
from console import (
    audit,
    deployments,
    exchanges,
    health,
    openapi,
    pages,
    problems,
    releases,
    rollbacks,
    rollouts,
    session,
    users,
)
from console.access import GuardedRoute
from console.body_limit import BodyLimit
from console.context import Context, template_environment
from console.hardening import Hardening

NOUNS = (session, users, releases, deployments, rollouts, rollbacks, exchanges, audit, health, pages)


def create_app(
    store: Store, settings: Settings, clock: Clock, wake: Callable[[], None], registry: CollectorRegistry
) -> FastAPI:
    """The HTTP API and the pages. `wake` is called after each act (see `console.wake`)."""
    app = FastAPI(
        title="Aftertune console",
        version=aftertune.__version__,
        description="Releases, deployments, rollouts and rollbacks. GET never acts; every act is audited.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.context = Context(store, settings, clock, wake, template_environment())
    app.router.route_class = GuardedRoute
    for noun in NOUNS:
        app.router.routes.extend(noun.router.routes)
    app.router.routes.append(openapi.route(app))
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Hardening, registry=registry)
    return app
