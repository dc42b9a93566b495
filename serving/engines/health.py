"""Whether an engine answers, and what it answers to the probe prompts."""

from collections.abc import Sequence
from contextlib import closing

import httpx

from aftertune.errors import Unavailable
from aftertune.fingerprint import fingerprint
from aftertune.openai_engine import OpenAIEngine
from aftertune.trust import trusted

_HEALTH_TIMEOUT_S = 2.0


def healthy(url: str) -> bool:
    """True when a GET is answered, and not with a server error: an external engine may not know the path."""
    try:
        answer = httpx.get(url, timeout=_HEALTH_TIMEOUT_S, verify=trusted())
    except httpx.HTTPError:
        return False
    return answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR


def take_fingerprint(url: str, served_name: str) -> tuple[str, ...]:
    """Raises Unavailable."""
    with closing(OpenAIEngine(url, served_name)) as engine:
        return fingerprint(engine)


def shared_fingerprint(urls: Sequence[str], served_name: str) -> tuple[str, ...]:
    """Of the engines that answer: replicas of one release say the same.

    Raises Unavailable when none answers, or when two answer differently: they do not serve the same weights.
    """
    found: dict[str, tuple[str, ...]] = {}
    faults = []
    for url in urls:
        try:
            found[url] = take_fingerprint(url, served_name)
        except Unavailable as error:
            faults.append(str(error))
    if not found:
        raise Unavailable("; ".join(faults))
    first = next(iter(found))
    if others := [url for url in found if found[url] != found[first]]:
        raise Unavailable(
            f"{', '.join(others)} and {first} answer the probe prompts differently.",
            "Let every replica serve the same weights, or register them as releases of their own.",
        )
    return found[first]
