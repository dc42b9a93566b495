"""Answers of the router's own making, in OpenAI's error shape."""

from http import HTTPStatus

import orjson

from aftertune.errors import AftertuneError

RETRY_AFTER_S = 1


class Refused(AftertuneError):
    """A request that got no answer from an engine. `code` is for programs, `param` names the field at fault."""

    def __init__(
        self, http_status: int, code: str, what: str, remedy: str = "", param: str | None = None
    ) -> None:
        super().__init__(what, remedy)
        self.http_status = http_status
        self.code = code
        self.param = param


def error_body(status: int, code: str, message: str, param: str | None = None) -> bytes:
    """`{"error": {message, type, param, code}}`; the type follows from the status."""
    return orjson.dumps(
        {"error": {"message": message, "type": _error_type(status), "param": param, "code": code}}
    )


def retry_headers(status: int) -> dict[str, str]:
    """503 asks the client to come again."""
    return {"retry-after": str(RETRY_AFTER_S)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}


def _error_type(status: int) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return "authentication_error"
    if status == HTTPStatus.FORBIDDEN:
        return "permission_error"
    return "invalid_request_error" if status < 500 else "api_error"
