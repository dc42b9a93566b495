"""Which releases should have a running engine. Pure."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from aftertune.values.deployment import Deployment
from aftertune.values.evaluation import EvaluationRun
from aftertune.values.release import EngineKind, Release, ReleaseState, base_of
from aftertune.values.rollout import Rollout


def used(
    deployments: Collection[Deployment],
    rollouts: Iterable[Rollout],
    runs: Iterable[EvaluationRun],
    releases: Collection[Release],
    quarantined: Collection[str],
) -> set[str]:
    """Releases that a deployment, an open rollout or an open evaluation run names, and the bases of those evaluated.

    Previous good is among them whether or not it stands in for stable; a shadow is not while it is in quarantine.
    """
    named = {
        name
        for each in deployments
        for name in (each.stable, each.previous_good, each.candidate)
        if name is not None
    }
    named |= {
        rule.release for each in deployments for rule in each.shadows if rule.release not in quarantined
    }
    named |= {name for rollout in rollouts for name in (rollout.candidate, rollout.baseline)}
    evaluated = {run.release for run in runs}
    bases = {
        base.id
        for release in releases
        if release.id in evaluated and (base := base_of(release, releases)) is not None
    }
    return named | evaluated | bases


def desired(
    releases: Iterable[Release],
    in_use: Collection[str],
    quarantined: Collection[str],
    last_used: Mapping[str, datetime],
    now: datetime,
    keep_warm: timedelta,
) -> set[str]:
    """Ready releases that are in use, or that became ready or were last used less than `keep_warm` ago.

    A release in quarantine is kept only while it is in use. External engines are nobody's to stop, so they are
    watched for as long as they are not in quarantine.
    """
    return {
        release.id
        for release in releases
        if release.state is ReleaseState.READY
        and (
            release.id in in_use
            or (release.id not in quarantined and _warm(release, last_used.get(release.id), now, keep_warm))
        )
    }


def _warm(release: Release, last_used: datetime | None, now: datetime, keep_warm: timedelta) -> bool:
    if release.engine is EngineKind.EXTERNAL:
        return True
    ready_at = release.passport.merged_at if release.passport else release.created_at
    return now - max(ready_at, last_used or ready_at) < keep_warm
