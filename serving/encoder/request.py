"""What a client asks of `/v1/embeddings`, and how it is refused."""

from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

MOST_TEXTS = 256
MOST_CHARACTERS = 20_000
"""A text: the model reads 256 tokens, so more than this is a mistake or an attack."""

_FORMATS = ("float", "base64")


class Refused(Exception):
    """An OpenAI-shaped error answer."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param

    def body(self) -> dict[str, Any]:
        kind = "invalid_request_error" if self.status < 500 else "api_error"
        return {
            "error": {"message": self.message, "type": kind, "param": self.param, "code": self.code},
        }


@dataclass(frozen=True)
class EmbeddingRequest:
    texts: tuple[str, ...]
    base64: bool


def read_request(body: bytes, model: str, dimensions: int) -> EmbeddingRequest:
    """Raises Refused: 400 for what is malformed, 404 for another model than the one here."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, "invalid_json", f"The body is not JSON: {error}.") from None
    if not isinstance(fields, dict):
        raise Refused(400, "invalid_json", "The body is not a JSON object.")
    asked = fields.get("model")
    if not isinstance(asked, str):
        _wrong("model", "The field 'model' must name the model.")
    if asked != model:
        raise Refused(404, "model_not_found", f"There is no model {asked!r} here. Known: {model}.", "model")
    encoding = fields.get("encoding_format", "float")
    if encoding not in _FORMATS:
        _wrong("encoding_format", f"encoding_format must be one of {', '.join(_FORMATS)}.")
    if fields.get("dimensions", dimensions) != dimensions:
        _wrong(
            "dimensions", f"The vectors of {model} have {dimensions} dimensions; no other number can be had."
        )
    return EmbeddingRequest(_texts(fields.get("input")), encoding == "base64")


def _texts(value: object) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        _wrong("input", "The field 'input' must be a text or a list of texts; token ids are not read.")
    if len(texts) > MOST_TEXTS:
        _wrong("input", f"input has {len(texts)} texts; at most {MOST_TEXTS} a request.")
    for index, text in enumerate(texts):
        if not text.strip():
            _wrong("input", f"input[{index}] is empty.")
        if len(text) > MOST_CHARACTERS:
            _wrong("input", f"input[{index}] has {len(text)} characters; at most {MOST_CHARACTERS}.")
    return tuple(texts)


def _wrong(param: str, message: str) -> NoReturn:
    raise Refused(400, "invalid_value", message, param)
