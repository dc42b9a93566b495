"""Whether an engine answers right now: one token of a real answer, through the engine port."""

from aftertune.engine import OpenAIEngine
from aftertune.errors import Unavailable
from aftertune.values.release import EngineStatus, Release

TIMEOUT_S = 5.0


def unhealthy(release: Release, engine: EngineStatus) -> str:
    """Why it does not answer; empty when it does."""
    client = OpenAIEngine(engine.url, release.served_name or release.id, timeout_s=TIMEOUT_S)
    try:
        client.chat([{"role": "user", "content": "Hello"}], max_tokens=1)
    except Unavailable as error:
        return f"its engine does not answer: {error}"
    finally:
        client.close()
    return ""
