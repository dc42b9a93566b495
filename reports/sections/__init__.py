"""The sections, one file each. A section says its numbers with n and interval; without data it says why, in words."""

from collections.abc import Callable

from reports.document import Section
from reports.evidence import Evidence
from reports.sections.alerts import alerts
from reports.sections.changes import changes
from reports.sections.deployments import deployments
from reports.sections.details import details
from reports.sections.drift import drift
from reports.sections.evaluations import evaluations
from reports.sections.integrity import integrity
from reports.sections.method import method
from reports.sections.rollbacks import rollbacks
from reports.sections.rollouts import rollouts
from reports.sections.summary import summary
from reports.sections.traffic import traffic
from reports.sections.training import training

SECTIONS: tuple[Callable[[Evidence], Section], ...] = (
    summary,
    deployments,
    rollouts,
    rollbacks,
    training,
    evaluations,
    drift,
    traffic,
    alerts,
    changes,
    integrity,
    method,
    details,
)
"""In the order of the report; what few readers need comes last."""
