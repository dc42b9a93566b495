"""Answers of the router's own making, in OpenAI's error shape."""

from http import HTTPStatus
from typing import Final

import orjson

from aftertune.errors import AftertuneError, Forbidden, Unauthenticated

RETRY_AFTER_S: Final = 1
JSON: Final = b"content-type: application/json\r\n"


class Refused(AftertuneError):
    """A request that got no answer from an engine. `code` is for programs, `param` names the field at fault."""

    def __init__(
        self,
        http_status: int,
        code: str,
        what: str,
        remedy: str = "",
        param: str | None = None,
        headers: bytes = b"",
    ) -> None:
        super().__init__(what, remedy)
        self.http_status = http_status
        self.code = code
        self.param = param
        self.headers = headers
        """Further header lines."""


def refused(error: AftertuneError) -> Refused:
    """Any error of ours as a client is told it."""
    match error:
        case Refused():
            return error
        case Unauthenticated():
            return Refused(401, "invalid_api_key", str(error), headers=b"www-authenticate: Bearer\r\n")
        case Forbidden():
            return Refused(403, "not_permitted", str(error))
        case _:
            return Refused(error.status, error.title.lower().replace(" ", "_"), str(error))


def error_body(status: int, code: str, message: str, param: str | None = None) -> bytes:
    """`{"error": {message, type, param, code}}`; the type follows from the status."""
    return orjson.dumps(
        {"error": {"message": message, "type": _error_type(status), "param": param, "code": code}}
    )


def retry_headers(status: int) -> bytes:
    """503 asks the client to come again."""
    return b"retry-after: %d\r\n" % RETRY_AFTER_S if status == HTTPStatus.SERVICE_UNAVAILABLE else b""


def _error_type(status: int) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return "authentication_error"
    if status == HTTPStatus.FORBIDDEN:
        return "permission_error"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "rate_limit_error"
    return "invalid_request_error" if status < 500 else "api_error"
