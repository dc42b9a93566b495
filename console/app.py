"""Builds the console."""

from collections.abc import Callable

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

import aftertune
from aftertune.clock import Clock
from aftertune.settings import Settings
from aftertune.store import Store
from console import (
    alerts,
    audit,
    comparison,
    deployment_settings,
    deployments,
    downloads,
    drift,
    evaluations,
    exchanges,
    feedback,
    health,
    keys,
    openapi,
    outside,
    problems,
    regression,
    releases,
    replay,
    reports,
    review_items,
    reviews,
    rollbacks,
    rollouts,
    session,
    training,
    users,
)
from console.access import GuardedRoute
from console.body_limit import BodyLimit
from console.context import Context, template_environment
from console.hardening import Hardening
from console.pages import ROUTERS

NOUNS = (
    *(session, users, keys, releases, deployments, deployment_settings, rollouts, rollbacks),
    *(
        feedback,
        exchanges,
        outside,
        replay,
        evaluations,
        regression,
        comparison,
        reviews,
        review_items,
        drift,
        reports,
        downloads,
        training,
    ),
    *(alerts, audit, health),
)


def create_app(
    store: Store, settings: Settings, clock: Clock, wake: Callable[[], None], registry: CollectorRegistry
) -> FastAPI:
    """The HTTP API and the pages. `wake` is called after each act (see `console.wake`)."""
    app = FastAPI(
        title="Aftertune console",
        version=aftertune.__version__,
        description=(
            "Releases, deployments, rollouts and rollbacks; evaluations, reviews, drift, reports and training. "
            "GET never acts; every act is audited."
        ),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.context = Context(store, settings, clock, wake, template_environment())
    app.router.route_class = GuardedRoute
    for router in (*(noun.router for noun in NOUNS), *ROUTERS):
        app.router.routes.extend(router.routes)
    app.router.routes.append(openapi.route(app))
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Hardening, registry=registry)
    return app
