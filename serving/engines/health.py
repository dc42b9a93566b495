"""Whether an engine answers, and what it answers to the probe prompts."""

from contextlib import closing

import httpx

from aftertune.engine import OpenAIEngine
from aftertune.fingerprint import fingerprint

_HEALTH_TIMEOUT_S = 2.0


def healthy(url: str) -> bool:
    """True when a GET is answered, and not with a server error: an external engine may not know the path."""
    try:
        return httpx.get(url, timeout=_HEALTH_TIMEOUT_S).status_code < httpx.codes.INTERNAL_SERVER_ERROR
    except httpx.HTTPError:
        return False


def take_fingerprint(url: str, served_name: str) -> tuple[str, ...]:
    """Raises Unavailable."""
    with closing(OpenAIEngine(url, served_name)) as engine:
        return fingerprint(engine)
