"""Logging and the names of every metric. Labels come from the allow-list; request ids and prompts never do."""

import errno
import json
import logging
import sys
import threading
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, start_http_server

from aftertune.errors import BadInput

LABELS = frozenset(
    {
        *("deployment", "role", "code_class", "reason", "outcome", "state", "stage", "job"),
        *("chart", "cause", "metric", "suite", "trigger"),
    }
)
"""The only labels a metric of ours may carry; each has few values."""

REQUESTS = "aftertune_requests"
REQUEST_SECONDS = "aftertune_request_duration_seconds"
FIRST_BYTE_SECONDS = "aftertune_time_to_first_byte_seconds"
MIRROR_DROPPED = "aftertune_mirror_dropped"
MIRROR_PENDING = "aftertune_mirror_pending"
LIMITED = "aftertune_limited_requests"
RETRIES = "aftertune_engine_retries"
TURNED_AWAY = "aftertune_connections_turned_away"
CONNECTIONS = "aftertune_client_connections"
ENGINE_CONNECTIONS = "aftertune_engine_connections"
DRAINING = "aftertune_router_draining"
SPOOL_RECORDS = "aftertune_spool_records"
SPOOL_BYTES = "aftertune_spool_bytes"
SPOOL_LOST = "aftertune_spool_lost_records"
SPOOL_FSYNCS = "aftertune_spool_fsyncs"
SPOOL_FSYNC_SECONDS = "aftertune_spool_fsync_duration_seconds"
SPOOL_FSYNC_ERRORS = "aftertune_spool_fsync_errors"
SPOOL_DISK_BYTES = "aftertune_spool_disk_bytes"
SPOOL_BUDGET_BYTES = "aftertune_spool_disk_budget_bytes"
SPOOL_OLDEST_SECONDS = "aftertune_spool_oldest_record_seconds"
ROUTE_GENERATION = "aftertune_route_generation"
FALLEN_BACK = "aftertune_fallen_back"
ROUTING_REVISION = "aftertune_routing_revision"
TABLE_REFUSED = "aftertune_routing_tables_refused"
ROUTE_PINNED = "aftertune_route_pinned"
PIN_REFUSED = "aftertune_pin_files_refused"
INGESTED = "aftertune_ingested_exchanges"
INGEST_REFUSED = "aftertune_ingest_refused_records"
PAIRS = "aftertune_pairs"
VERDICTS = "aftertune_verdicts"
ROLLBACKS = "aftertune_rollbacks"
ROLLBACK_SECONDS = "aftertune_rollback_duration_seconds"
TICK_TIMESTAMP = "aftertune_last_success_timestamp_seconds"
ENGINES = "aftertune_engines"
ALERTS = "aftertune_alerts"
DRIFT_STATISTIC = "aftertune_drift_statistic"
DRIFT_THRESHOLD = "aftertune_drift_threshold"
DRIFT_ALARM = "aftertune_drift_alarm"
DRIFT_MEASURED = "aftertune_drift_measured"
DRIFT_OBSERVATIONS = "aftertune_drift_observations"
DRIFT_PASSED_OVER = "aftertune_drift_passed_over_exchanges"
EMBEDDING_SECONDS = "aftertune_embedding_duration_seconds"
EMBEDDINGS = "aftertune_embeddings"
EVALUATION_RUNS = "aftertune_evaluation_runs"
EVALUATION_SCORE = "aftertune_evaluation_score"
EVALUATION_SCORE_LOW = "aftertune_evaluation_score_low"
EVALUATION_SCORE_HIGH = "aftertune_evaluation_score_high"
EVALUATION_BUDGET_SPENT = "aftertune_evaluation_budget_spent"
EVALUATION_BUDGET_MARGIN = "aftertune_evaluation_budget_margin"
EVALUATION_WATCH = "aftertune_evaluation_watch"
EVALUATION_SAMPLES = "aftertune_evaluation_samples"
REPORTS = "aftertune_reports"
CONSOLE_REQUESTS = "aftertune_console_requests"


class JsonFormatter(logging.Formatter):
    """One JSON object a line; control characters in a message are escaped by JSON itself."""

    def __init__(self, room: str) -> None:
        super().__init__()
        self._room = room

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "room": self._room,
            "message": record.getMessage(),
        }
        if record.exc_text:
            line["exception"] = record.exc_text
        elif record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class RedactSecrets(logging.Filter):
    """Blanks every given secret in messages, their arguments and tracebacks."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self._secrets = tuple(secret for secret in secrets if secret)

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._blanked(record.getMessage()), None
        if record.exc_info:
            record.exc_text = self._blanked(logging.Formatter().formatException(record.exc_info))
        return True

    def _blanked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text


def configure_logging(room: str, level: str, secrets: tuple[str, ...] = ()) -> None:
    """Log to standard error as JSON lines, from this room, at `level` and above."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(room))
    handler.addFilter(RedactSecrets(secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("httpx", "httpx2", "httpcore", "openai", "uvicorn.access", "aiohttp.access", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def serve_metrics(registry: CollectorRegistry, port: int, host: str, variable: str) -> threading.Thread:
    """Serve the registry at `http://host:port/metrics` from a daemon thread.

    Raises BadInput, naming the `variable` that chooses the port, when it cannot be opened.
    """
    try:
        _server, thread = start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        raise BadInput(
            f"Port {port} on {host} {why}.",
            f"Stop what listens there, or set {variable} to a free port.",
        ) from None
    return thread
