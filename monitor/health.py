"""Whether an engine answers right now: one token of a real answer, through the engine port."""

from concurrent.futures import ThreadPoolExecutor, as_completed

from aftertune.errors import Unavailable
from aftertune.openai_engine import OpenAIEngine
from aftertune.values.release import EngineStatus, Release

TIMEOUT_S = 5.0


def unhealthy(release: Release, engine: EngineStatus) -> str:
    """Why it does not answer; empty as soon as it does, at any of its addresses, which are all asked at once."""
    urls = dict.fromkeys((engine.url, *release.replicas))
    pool, faults = ThreadPoolExecutor(len(urls)), []
    asked = [pool.submit(_fault, url, release.served_name or release.id) for url in urls]
    try:
        for answered in as_completed(asked):
            if not (fault := answered.result()):
                return ""
            faults.append(fault)
    finally:
        pool.shutdown(wait=False)
    return f"its engine does not answer: {'; '.join(faults)}"


def _fault(url: str, served_name: str) -> str:
    client = OpenAIEngine(url, served_name, timeout_s=TIMEOUT_S)
    try:
        client.chat([{"role": "user", "content": "Hello"}], max_tokens=1)
    except Unavailable as error:
        return str(error)
    finally:
        client.close()
    return ""
