"""Every log line is one JSON object, whatever is in it."""

import io
import json
import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from shortlink import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the lines go; logging is as it was afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.setup("gateway", "info", stream)
    yield stream
    logging.captureWarnings(False)
    root.handlers[:] = before
    root.setLevel(level)


def only_line(stream: io.StringIO) -> dict[str, Any]:
    (line,) = stream.getvalue().splitlines()
    fields: dict[str, Any] = json.loads(line)
    return fields


def test_a_line_says_when_how_bad_who_and_what(stream: io.StringIO) -> None:
    logging.getLogger("gateway.worker").warning("%d connections are cut", 3)
    line = only_line(stream)
    assert line.pop("ts").endswith("+00:00")
    assert line == {
        "level": "warning",
        "role": "gateway",
        "pid": os.getpid(),
        "msg": "3 connections are cut",
        "logger": "gateway.worker",
    }


def test_extras_are_fields(stream: io.StringIO) -> None:
    logging.info("request", extra={"status": 302, "path": os})
    assert only_line(stream)["status"] == 302


def test_a_traceback_stays_on_its_line(stream: io.StringIO) -> None:
    try:
        raise ValueError("no")
    except ValueError:
        logging.exception("it failed")
    assert "ValueError: no" in only_line(stream)["exception"]


def test_bytes_of_strangers_cannot_break_a_line(stream: io.StringIO) -> None:
    logging.info("from %s", "\udcff\n\u2028")
    assert only_line(stream)["msg"] == "from \udcff\n\u2028"


def test_less_severe_lines_than_asked_for_are_not_written(stream: io.StringIO) -> None:
    logging.debug("detail")
    assert stream.getvalue() == ""


def test_warnings_of_libraries_are_lines_too(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        assert "DeprecationWarning: old" in only_line(stream)["msg"]
        logging.captureWarnings(False)
