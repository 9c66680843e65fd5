"""Logs: one JSON object a line on standard error, without personal data.

In: log records whose message is fixed and whose fields come as `extra`. Out: `time`, `level`, `service`, `logger`,
`event` (the message), the fields of `FIELDS` that were given, and `describe_error` of an exception. A field that is not
in `FIELDS` is left out and its name put into `refused`, so nothing of a report can slip in. Messages are never
interpolated, except those of clients of the infrastructure (`_INTERPOLATED`).
"""

import logging
import sys
import warnings
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import orjson

from ibalagh.ops.errors import describe_error

FIELDS: Final = frozenset(
    """
    action attempt attempts batch bytes case_id category cells client code command_id commit_s component consumer count
    deadline_s duration_s error event_id event_type events exit_code expected found group lag language limit loop name
    names number offset outcome page partition partitions pid pointer policy port positions probe reason reasons
    records records_per_s report_id retry_after_s rows rule seconds setting shadow signal size_bytes source state status
    table timeout_s topic topics transactional_id type version versions worker
    """.split()  # noqa: SIM905 - a page of words reads better than a page of quotes
)
"""The names that `extra` may use. Reports, cases and commands are named by their random ids only."""

_INTERPOLATED: Final = ("librdkafka", "confluent_kafka", "faust", "aiokafka", "mode")
"""Loggers of others that speak of brokers and topics only."""
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        interpolated = record.name.partition(".")[0] in _INTERPOLATED
        event = record.getMessage() if interpolated else str(record.msg).partition("\n")[0]
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "event": event,
        }
        given = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        line |= {name: value for name, value in given.items() if name in FIELDS}
        refused = sorted(given.keys() - FIELDS)
        if refused:
            line["refused"] = refused
        if record.exc_info and record.exc_info[1] is not None:
            line |= describe_error(record.exc_info[1])
        return orjson.dumps(line, default=_kind, option=orjson.OPT_NON_STR_KEYS).decode()


def configure(service: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all logs, also those of libraries and of warnings, to `stream` (default: standard error) as JSON lines."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "faust", "aiokafka", "mode"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True
    logging.captureWarnings(capture=True)
    if not sys.warnoptions:
        warnings.simplefilter("default")


def _kind(value: object) -> str:
    """What JSON has no form for is told by its class only."""
    return type(value).__qualname__
