"""An answer to a replayed request, and the shadow leg that it becomes."""

import base64
import binascii
import hashlib
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import EncodedBytes, EncoderProtocol, Field
from pydantic_core import PydanticCustomError

from aftertune.outside import Record
from aftertune.values.exchange import Exchange, ExchangeError, ExchangeHeader, ExchangeRole
from aftertune.values.value import Value

ROUTER = "replay"
"""Names the spool folder and stands in each leg as its router."""

LONGEST_ANSWER = 600_000
"""Bytes: an answer must fit into one request to the console."""


class _Base64(EncoderProtocol):
    """As RFC 4648 has it: pydantic's own passes over what is no base64."""

    @classmethod
    def decode(cls, data: bytes) -> bytes:
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error as error:
            raise PydanticCustomError("base64_decode", "it is not base64") from error

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return base64.b64encode(value)

    @classmethod
    def get_json_format(cls) -> str:
        return "base64"


class ReplayAnswer(Value):
    """What the engine answered to the request of a stable leg, whole."""

    exchange_id: str = Field(description="of the stable leg whose request it was")
    status: int = Field(ge=200, le=599)
    answer: Annotated[bytes, EncodedBytes(encoder=_Base64)] = Field(max_length=LONGEST_ANSWER)
    first_byte_s: float = Field(ge=0, le=86_400, description="since the request was sent")
    last_byte_s: float = Field(ge=0, le=86_400, description="since the request was sent")


def replay_id(release: str, exchange_id: str) -> str:
    """The leg's id: a release answers a stored request once."""
    return f"{ROUTER}-{hashlib.sha256(f'{release} {exchange_id}'.encode()).hexdigest()[:32]}"


def shadow_leg(
    stable: Exchange, request: bytes, answer: ReplayAnswer, release: str, holder: str, now: datetime
) -> Record:
    """Beside the stable leg, whose pair id it shares. It ended `now`."""
    arrival = now - timedelta(seconds=answer.last_byte_s)
    header = ExchangeHeader(
        **stable.model_dump(include=set(ExchangeHeader.model_fields) - _OF_THE_LEG),
        exchange_id=replay_id(release, stable.exchange_id),
        release=release,
        role=ExchangeRole.SHADOW,
        key=holder,
        router=ROUTER,
        trace_id=None,
        arrival=arrival,
        first_byte=arrival + timedelta(seconds=min(answer.first_byte_s, answer.last_byte_s)),
        last_byte=now,
        ended=now,
        status=answer.status,
        error=ExchangeError.ENGINE_ERROR if answer.status >= 500 else None,
    )
    return Record(header, request, answer.answer)


_OF_THE_LEG = {
    *("exchange_id", "release", "role", "key", "router", "trace_id"),
    *("arrival", "first_byte", "last_byte", "ended", "status", "error"),
}
