"""A file of outside exchanges: JSON, one a line, read in bounded memory. Each line is an exchange or what is wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

import orjson
from pydantic import ValidationError

from aftertune.errors import BadInput, UnknownName
from aftertune.outside import LONGEST_LINE, OutsideExchange

FIELDS = tuple(OutsideExchange.model_fields)


@dataclass(frozen=True, slots=True)
class Line:
    """`number` counts from 1; `end` is the offset of the next line."""

    number: int
    end: int
    exchange: OutsideExchange


@dataclass(frozen=True, slots=True)
class BadLine:
    """`reason` never quotes the line."""

    number: int
    end: int
    reason: str


class _Fault(NamedTuple):
    reason: str


def read_map(options: list[str]) -> dict[str, tuple[str, ...]]:
    """`FIELD=PATH` each, PATH with dots: where a foreign log keeps our field. Raises BadInput, UnknownName."""
    found: dict[str, tuple[str, ...]] = {}
    for option in options:
        field, sign, path = option.partition("=")
        if not sign or not all(path.split(".")):
            raise BadInput(f"{option!r} maps nothing.", "Write it as FIELD=PATH, as in request=http.body.")
        if field not in FIELDS:
            raise UnknownName("field", field, FIELDS)
        found[field] = tuple(path.split("."))
    return found


def read_log(file: BinaryIO, paths: Mapping[str, tuple[str, ...]]) -> Iterator[Line | BadLine]:
    """Every line but empty ones. With `paths`, fields that we do not know are passed over; else they are faults."""
    number = end = 0
    while raw := file.readline(LONGEST_LINE + 1):
        number, end = number + 1, end + len(raw)
        if len(raw) > LONGEST_LINE and not raw.endswith(b"\n"):
            while rest := file.readline(LONGEST_LINE):
                end += len(rest)
                if rest.endswith(b"\n"):
                    break
            yield BadLine(number, end, f"it is longer than {LONGEST_LINE} bytes")
            continue
        if not raw.strip():
            continue
        read = _exchange(raw, paths)
        yield BadLine(number, end, read.reason) if isinstance(read, _Fault) else Line(number, end, read)


def _exchange(raw: bytes, paths: Mapping[str, tuple[str, ...]]) -> OutsideExchange | _Fault:
    try:
        line = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return _Fault(f"it is not JSON: {error.msg} at character {error.pos + 1}")
    if not isinstance(line, dict):
        return _Fault("it is not a JSON object")
    known = {field: line[field] for field in FIELDS if field in line} if paths else line
    mapped = {field: _at(line, path) for field, path in paths.items()}
    try:
        return OutsideExchange.model_validate(_unwrapped({**known, **mapped}))
    except ValidationError as error:
        return _Fault(_words(error))


def _unwrapped(line: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's batch files keep the body inside: `url` and `body` of the input, `status_code` and `body` of the output."""
    request, response = line.get("request"), line.get("response")
    told: dict[str, Any] = {}
    if isinstance(request, dict) and isinstance(request.get("body"), dict):
        told |= {"endpoint": request.get("url"), "id": request.get("custom_id")}
        line = {**line, "request": request["body"]}
    if isinstance(response, dict) and isinstance(response.get("body"), dict):
        told |= {"status": response.get("status_code")}
        line = {**line, "response": response["body"]}
    return {**{name: value for name, value in told.items() if value is not None}, **line}


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _words(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "extra_forbidden":
        return f"unknown field {str(first['loc'][0])[:80]!r}; known: {', '.join(FIELDS)}"
    where = first["loc"][0] if first["loc"] else ""
    said = first["msg"].removeprefix("Value error, ")
    return f"{where}: {said}" if where else said
