"""Alertmanager's configuration: every alert goes to the monitor, pages at once."""

from typing import Any

from dashboards.places import Place
from dashboards.rules import Severity

RECEIVER = "monitor"


def configuration(place: Place) -> dict[str, Any]:
    """Holds no secret: the credential is read from a file. One incident is one group: an alert and its deployment."""
    return {
        "route": {
            "receiver": RECEIVER,
            "group_by": ["alertname", "deployment"],
            "group_wait": "5s",
            "group_interval": "30s",
            "repeat_interval": "4h",
            "routes": [{"matchers": [f'severity="{Severity.PAGE}"'], "group_wait": "0s"}],
        },
        "receivers": [
            {
                "name": RECEIVER,
                "webhook_configs": [
                    {
                        "url": place.webhook,
                        "send_resolved": True,
                        "max_alerts": 0,
                        "http_config": {
                            "follow_redirects": False,
                            "authorization": {"type": "Bearer", "credentials_file": place.credentials_file},
                        },
                    }
                ],
            }
        ],
    }
