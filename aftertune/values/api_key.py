"""An application's credential for the data port."""

from datetime import datetime

from pydantic import Field

from aftertune.values.route import KeyGrant
from aftertune.values.value import Value


class ApiKey(Value):
    """Everything but the token, whose hash alone is kept. `grant` has no end of its own: `granted` gives it the key's."""

    grant: KeyGrant
    created_by: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str = Field(default="", description="empty while it is not revoked")

    @property
    def granted(self) -> KeyGrant:
        """What routers know of it: the grant, and when it ends."""
        return self.grant.model_copy(update={"expires_at": self.expires_at})

    @property
    def name(self) -> str:
        return self.grant.name

    def valid(self, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)
