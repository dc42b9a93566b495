"""Tells the monitor that somebody acted, so that it need not wait for its next tick."""

import logging
from collections.abc import Callable

import httpx

from aftertune.control import read_control_token
from aftertune.errors import BadInput
from aftertune.settings import Settings
from aftertune.trust import trusted

TIMEOUT_S = 0.5
log = logging.getLogger(__name__)


def monitor_wake(settings: Settings) -> Callable[[], None]:
    """Best effort: the monitor finds the act by itself at its next tick."""

    def wake() -> None:
        try:
            token = read_control_token(settings.control_token_file)
            headers = {"Authorization": f"Bearer {token}"}
            httpx.post(
                f"{settings.monitor_url}/v1/wake", headers=headers, timeout=TIMEOUT_S, verify=trusted()
            ).raise_for_status()
        except (httpx.HTTPError, BadInput) as error:
            log.warning("the monitor was not woken: %s", error)

    return wake
