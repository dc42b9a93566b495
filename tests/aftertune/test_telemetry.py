"""Log lines are JSON and hold no secret; metrics are served and named by one rule."""

import json
import logging
import socket
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter

from aftertune import telemetry
from aftertune.errors import BadInput
from aftertune.telemetry import JsonFormatter, RedactSecrets, configure_logging, serve_metrics


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """The root logger is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    yield
    root.handlers = handlers
    root.setLevel(level)


def lines(text: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("router", "INFO")
    logging.getLogger("serving").info("answered %s\nforged line \x1b[31m", "ünïcode")
    logging.getLogger("serving").debug("not logged")
    (line,) = lines(capsys.readouterr().err)
    assert line["level"] == "info"
    assert line["room"] == "router"
    assert line["message"] == "answered ünïcode\nforged line \x1b[31m"
    assert line["at"].endswith("+00:00")


def test_an_exception_travels_in_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("router", "INFO")
    logging.getLogger("serving").error("failed", exc_info=RuntimeError("engine gone"))
    (line,) = lines(capsys.readouterr().err)
    assert "RuntimeError: engine gone" in line["exception"]


def test_secrets_are_blanked_in_messages_arguments_and_exceptions(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("router", "INFO", secrets=("at_secret", "", "hunter2"))
    log = logging.getLogger("serving")
    log.warning("token at_secret")
    log.warning("args %s %r", "at_secret", {"password": "hunter2"})
    log.error("failed", exc_info=RuntimeError("refused at_secret"))
    err = capsys.readouterr().err
    assert "at_secret" not in err
    assert "hunter2" not in err
    assert lines(err)[0]["message"] == "token [secret]"
    assert "RuntimeError: refused [secret]" in lines(err)[2]["exception"]


def test_without_secrets_messages_stay_as_they_are() -> None:
    record = logging.LogRecord("n", logging.INFO, "f", 1, "%s of %d", ("one", 2), None)
    assert RedactSecrets(("",)).filter(record)
    assert json.loads(JsonFormatter("room").format(record))["message"] == "one of 2"


def test_metrics_are_served_from_their_own_port() -> None:
    registry = CollectorRegistry()
    Counter(telemetry.REQUESTS, "answered requests", registry=registry).inc()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    thread = serve_metrics(registry, port, "127.0.0.1", "AFTERTUNE_EVALS__METRICS_PORT")
    page = httpx.get(f"http://127.0.0.1:{port}/metrics")
    assert thread.daemon
    assert page.status_code == 200
    assert "aftertune_requests_total 1.0" in page.text


def test_a_taken_metrics_port_names_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match="is in use") as raised:
            serve_metrics(CollectorRegistry(), port, "127.0.0.1", "AFTERTUNE_EVALS__METRICS_PORT")
    assert "AFTERTUNE_EVALS__METRICS_PORT" in raised.value.remedy


def test_names_are_unique_and_share_one_prefix() -> None:
    names = [
        value for constant, value in vars(telemetry).items() if constant.isupper() and isinstance(value, str)
    ]
    assert len(names) == len(set(names)) > 0
    assert all(name.startswith("aftertune_") for name in names)
    assert not any(name.endswith("_total") for name in names), "the client library adds it"


def test_labels_are_few_and_never_an_identity() -> None:
    assert not telemetry.LABELS & {"request_id", "user", "conversation", "prompt", "key", "tenant", "release"}
