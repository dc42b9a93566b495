"""Deployments, their promotions and the keys of acts that were done."""

from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, select, update

from aftertune.errors import BadInput, IdempotencyReuse, NotFound, StaleGeneration
from aftertune.records import DeploymentRow, IdempotencyRow, PromotionRow
from aftertune.values.deployment import Deployment


class Promotion(NamedTuple):
    release: str
    generation: int
    at: datetime


class DeploymentTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, deployment: Deployment) -> None:
        if self._session.get(DeploymentRow, deployment.name) is not None:
            raise BadInput(f"There is already a deployment {deployment.name!r}.", "Choose another name.")
        self._session.add(
            DeploymentRow(
                name=deployment.name,
                generation=deployment.generation,
                body=deployment.model_dump(mode="json"),
            )
        )
        self._session.flush()

    def swap(self, before: Deployment, after: Deployment) -> None:
        """Compare-and-swap on the generation; raises StaleGeneration when somebody was first."""
        changed = self._session.execute(
            update(DeploymentRow)
            .where(col(DeploymentRow.name) == before.name, col(DeploymentRow.generation) == before.generation)
            .values(generation=after.generation, body=after.model_dump(mode="json"))
            .returning(col(DeploymentRow.name))
        )
        if changed.first() is None:
            raise StaleGeneration(before.name, before.generation)

    def get(self, name: str) -> Deployment:
        row = self._session.get(DeploymentRow, name, populate_existing=True)
        if row is None:
            raise NotFound("deployment", name, self._session.exec(select(DeploymentRow.name)).all())
        return Deployment.model_validate(row.body)

    def all(self) -> list[Deployment]:
        rows = self._session.exec(select(DeploymentRow).order_by(DeploymentRow.name)).all()
        return [Deployment.model_validate(row.body) for row in rows]

    def add_promotion(self, deployment: str, release: str, generation: int, at: datetime) -> None:
        self._session.add(PromotionRow(deployment=deployment, release=release, generation=generation, at=at))
        self._session.flush()

    def promotions(self, deployment: str) -> list[Promotion]:
        """Newest first."""
        rows = self._session.exec(
            select(PromotionRow)
            .where(PromotionRow.deployment == deployment)
            .order_by(col(PromotionRow.generation).desc())
        ).all()
        return [Promotion(row.release, row.generation, row.at) for row in rows]

    def claim_key(self, key: str, actor: str, act: str, subject: str, at: datetime) -> bool:
        """True the first time; False when this very act was done under the key; else IdempotencyReuse."""
        row = self._session.get(IdempotencyRow, key)
        if row is None:
            self._session.add(IdempotencyRow(key=key, actor=actor, act=act, subject=subject, at=at))
            self._session.flush()
            return True
        if (row.actor, row.act, row.subject) != (actor, act, subject):
            raise IdempotencyReuse(key)
        return False
