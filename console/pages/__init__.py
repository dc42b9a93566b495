"""The pages, server-rendered and without scripts. They show what the API shows and act through the same functions."""

from console.pages import (
    deployment,
    drift,
    evaluations,
    fleet,
    keys,
    releases,
    reports,
    rollback,
    sign_in,
    training,
)

ROUTERS = (
    fleet.router,
    deployment.router,
    rollback.router,
    drift.router,
    releases.router,
    evaluations.router,
    reports.router,
    training.router,
    keys.router,
    sign_in.router,
)
