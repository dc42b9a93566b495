"""The pages, server-rendered and without scripts. They show what the API shows and act through the same functions."""

from console.pages import (
    deployment,
    drift,
    evaluation,
    evaluations,
    fleet,
    keys,
    regression,
    releases,
    reports,
    review_item,
    reviews,
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
    regression.router,
    evaluation.router,
    reviews.router,
    review_item.router,
    reports.router,
    training.router,
    keys.router,
    sign_in.router,
)
