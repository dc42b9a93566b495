"""Names in paths and bodies."""

from typing import Annotated

from fastapi import Path
from pydantic import StringConstraints

NAME = r"^[a-z0-9][a-z0-9._-]{0,62}$"
"""Users, deployments and releases."""

NewName = Annotated[str, StringConstraints(pattern=NAME)]
PathName = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
PathRequestId = Annotated[
    str,
    Path(max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$", description="as the client or the router chose it"),
]
