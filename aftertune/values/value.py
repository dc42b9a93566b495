"""The base of every value object."""

import hashlib

import rfc8785
from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """Immutable, and closed: an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def digest(self) -> str:
        """SHA-256 over the RFC 8785 canonical JSON of the value, in hexadecimal."""
        return hashlib.sha256(rfc8785.dumps(self.model_dump(mode="json"))).hexdigest()
