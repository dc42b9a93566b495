"""What a client and the record are told when an engine gives no whole answer."""

from http import HTTPStatus
from typing import Final, NamedTuple

from aftertune.values.exchange import ExchangeError
from serving.wire.client import Fault


class EngineFault(NamedTuple):
    error: ExchangeError
    status: HTTPStatus
    what: str


TIMEOUT: Final = EngineFault(
    ExchangeError.TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT, "The engine did not answer in time."
)
STALLED: Final = EngineFault(
    ExchangeError.TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT, "The engine stopped in the middle of its answer."
)
UNREAD: Final = EngineFault(
    ExchangeError.CLIENT_LEFT, HTTPStatus.GATEWAY_TIMEOUT, "The answer was not read in time."
)
TOO_LONG: Final = EngineFault(
    ExchangeError.TRUNCATED, HTTPStatus.BAD_GATEWAY, "The answer is longer than the router carries."
)
OF: Final = {
    Fault.REFUSED: EngineFault(
        ExchangeError.UNREACHABLE, HTTPStatus.SERVICE_UNAVAILABLE, "The engine cannot be reached."
    ),
    Fault.SILENT: EngineFault(
        ExchangeError.UNREACHABLE,
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The engine closed the connection without an answer.",
    ),
    Fault.NOT_HTTP: EngineFault(
        ExchangeError.ENGINE_ERROR, HTTPStatus.BAD_GATEWAY, "The engine's answer is not HTTP."
    ),
    Fault.BROKEN_OFF: EngineFault(
        ExchangeError.TRUNCATED, HTTPStatus.BAD_GATEWAY, "The engine's answer broke off."
    ),
}
