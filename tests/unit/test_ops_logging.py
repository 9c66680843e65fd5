"""Logs: JSON lines with fixed messages; nothing that a person wrote can get into one."""

import ast
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ibalagh.ops import logging as our_logging
from ibalagh.stream.errors import PassingError

ROOT = Path(__file__).parents[2]
SECRET = "0600-000-000 someone@example.test 203.0.113.77"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged while the test runs; the logging set-up is put back afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    our_logging.configure("triage", "INFO", stream)
    yield stream
    root.handlers[:], level = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def parsed(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_time_level_service_event_and_the_given_fields(lines: io.StringIO) -> None:
    logging.getLogger("ibalagh.test").info("batch handled", extra={"count": 3, "topic": "t"})
    (line,) = parsed(lines)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "INFO",
        "service": "triage",
        "logger": "ibalagh.test",
        "event": "batch handled",
        "count": 3,
        "topic": "t",
    }


def test_an_unknown_field_is_refused_by_name(lines: io.StringIO) -> None:
    logging.getLogger("ibalagh.test").info("report", extra={"text": SECRET, "count": 1})
    (line,) = parsed(lines)
    assert line["refused"] == ["text"]
    assert SECRET not in lines.getvalue()


def test_messages_are_not_interpolated_except_those_about_the_infrastructure(lines: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").error("request from %s", SECRET)
    logging.getLogger("services.intake").error("report %s", SECRET)
    logging.getLogger("librdkafka").warning("broker %s is down", "kafka-1:9092")
    assert SECRET not in lines.getvalue()
    assert [line["event"] for line in parsed(lines)][2] == "broker kafka-1:9092 is down"


def test_an_error_is_told_by_class_and_place_and_never_quotes_its_input(lines: io.StringIO) -> None:
    try:
        try:
            int(SECRET)
        except ValueError as error:
            raise KeyError(SECRET) from error
    except KeyError:
        logging.getLogger("services.intake").exception("crashed")
    (line,) = parsed(lines)
    assert (line["error"], line["cause"]["error"]) == ("builtins.KeyError", "builtins.ValueError")
    assert line["frames"][-1].endswith("test_an_error_is_told_by_class_and_place_and_never_quotes_its_input")
    assert SECRET not in lines.getvalue()


def test_errors_of_our_own_and_of_the_program_keep_their_message(lines: io.StringIO) -> None:
    for error in (PassingError("the database is away"), TypeError("f() takes 1 argument"), OSError(98, "in use")):
        logging.getLogger("ibalagh.test").error("failed", exc_info=error)
    assert [line["message"] for line in parsed(lines)] == ["the database is away", "f() takes 1 argument", "in use"]


def test_access_logs_are_off(lines: io.StringIO) -> None:
    logging.getLogger("uvicorn.access").info('%s - "%s"', "203.0.113.77", "POST /v1/reports")
    assert lines.getvalue() == ""


def _extra_names(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "extra" and isinstance(node.value, ast.Dict):
            called = [key for key in node.value.keys if isinstance(key, ast.Constant)]
            names |= {str(key.value) for key in called}
    return names


def _logs(path: Path) -> bool:
    return "logging.getLogger" in path.read_text(encoding="utf-8")


def test_every_field_that_the_code_logs_is_on_the_list() -> None:
    sources = [path for folder in ("ibalagh", "services") for path in (ROOT / folder).rglob("*.py") if _logs(path)]
    used = {name for path in sources for name in _extra_names(path)}
    assert len(used) > 5
    assert used <= our_logging.FIELDS
