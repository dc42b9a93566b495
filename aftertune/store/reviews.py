"""Campaigns of human review, their items, ratings and claims."""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, delete, select

from aftertune.errors import Conflict, NotFound
from aftertune.records import CampaignRow, ClaimRow, RatingRow, ReviewItemRow
from aftertune.reviews.queue import Claim, Standing, Warned
from aftertune.store.review_standing import standing, warnings
from aftertune.values.review import Campaign, Rating, ReviewItem


class ReviewTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, campaign: Campaign, items: Iterable[ReviewItem]) -> None:
        self._session.add(
            CampaignRow(
                id=campaign.id,
                state=campaign.state,
                opened_at=campaign.opened_at,
                body=campaign.model_dump(mode="json"),
            )
        )
        self._session.flush()
        for item in items:
            self._session.add(
                ReviewItemRow(
                    campaign=campaign.id,
                    id=item.id,
                    position=item.position,
                    body=item.model_dump(mode="json"),
                )
            )
        self._session.flush()

    def save(self, campaign: Campaign) -> None:
        row = self._row(campaign.id)
        row.state, row.body = campaign.state, campaign.model_dump(mode="json")

    def get(self, campaign: str) -> Campaign:
        """Raises NotFound."""
        return Campaign.model_validate(self._row(campaign).body)

    def latest(self, limit: int = 100) -> list[Campaign]:
        """Newest first."""
        rows = self._session.exec(
            select(CampaignRow).order_by(col(CampaignRow.opened_at).desc(), CampaignRow.id).limit(limit)
        )
        return [Campaign.model_validate(row.body) for row in rows]

    def items(self, campaign: str) -> list[ReviewItem]:
        """By position."""
        rows = self._session.exec(
            select(ReviewItemRow)
            .where(ReviewItemRow.campaign == campaign)
            .order_by(col(ReviewItemRow.position), ReviewItemRow.id)
        )
        return [ReviewItem.model_validate(row.body) for row in rows]

    def item(self, campaign: str, item: str) -> ReviewItem:
        """Raises NotFound."""
        row = self._session.get(ReviewItemRow, (campaign, item))
        if row is None:
            raise NotFound(f"item of campaign {campaign}", item)
        return ReviewItem.model_validate(row.body)

    def ratings(self, campaign: str, item: str | None = None) -> list[Rating]:
        """By item and reviewer; of one item only, where it is given."""
        query = select(RatingRow).where(RatingRow.campaign == campaign)
        if item is not None:
            query = query.where(RatingRow.item == item)
        rows = self._session.exec(query.order_by(RatingRow.item, RatingRow.reviewer))
        return [Rating.model_validate(row.body) for row in rows]

    def standing(self, campaign: Campaign, reviewer: str, now: datetime) -> Standing:
        """Counted by the database."""
        return standing(self._session, campaign, reviewer, now)

    def warnings(self, campaign: str, *, complete_only: bool = False) -> list[Warned]:
        """By position; `complete_only`: of items that two people have rated."""
        return warnings(self._session, campaign, complete_only=complete_only)

    def rate(self, rating: Rating) -> None:
        """Once for each person and item; their claim ends. Raises Conflict when they have rated it."""
        key = (rating.campaign, rating.item, rating.reviewer)
        if self._session.get(RatingRow, key) is not None:
            raise Conflict(f"{rating.reviewer} has rated this item already.", "Take the next one.")
        self._session.add(
            RatingRow(
                campaign=rating.campaign,
                item=rating.item,
                reviewer=rating.reviewer,
                body=rating.model_dump(mode="json"),
            )
        )
        self._session.flush()
        claim = self._session.get(ClaimRow, key)
        if claim is not None:
            self._session.delete(claim)
            self._session.flush()

    def claims(self, campaign: str) -> list[Claim]:
        """Also those that are over."""
        rows = self._session.exec(select(ClaimRow).where(ClaimRow.campaign == campaign))
        return [Claim(row.item, row.reviewer, row.until) for row in rows]

    def claim(self, campaign: str, item: str, reviewer: str, until: datetime) -> None:
        """Hold an item for a person, or longer; they let go of every other one of the campaign."""
        self._session.execute(
            delete(ClaimRow).where(col(ClaimRow.campaign) == campaign, col(ClaimRow.reviewer) == reviewer)
        )
        self._session.add(ClaimRow(campaign=campaign, item=item, reviewer=reviewer, until=until))
        self._session.flush()

    def release_claims(self, campaign: str) -> None:
        """Nobody holds anything any more."""
        self._session.execute(delete(ClaimRow).where(col(ClaimRow.campaign) == campaign))

    def _row(self, campaign: str) -> CampaignRow:
        row = self._session.get(CampaignRow, campaign)
        if row is None:
            raise NotFound("review campaign", campaign)
        return row
