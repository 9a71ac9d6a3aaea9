"""The request log: nothing is written before a flush, nothing waits for long, and levels are heeded."""

import io
import json

from prometheus_client import REGISTRY

from control_api.request_log import RequestLog, Seen


def seen(request_id: str, route: str = "/log/a") -> Seen:
    return Seen(1_800_000_000_123, "GET", route, 200, 0.0012345, "key_1", 42, request_id)


def test_a_flush_writes_a_line_a_request_in_order() -> None:
    stream = io.BytesIO()
    log = RequestLog(stream)
    log.note(seen("a"))
    log.note(seen("b"))
    assert stream.getvalue() == b""
    log.flush()
    log.flush()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["request_id"] for line in lines] == ["a", "b"]
    assert lines[0]["ts"] == "2027-01-15T08:00:00.123000Z"
    assert lines[0]["duration_ms"] == 1.23


def test_only_so_many_requests_wait() -> None:
    stream = io.BytesIO()
    log = RequestLog(stream)
    for number in range(RequestLog.MOST + 1):
        log.note(seen(str(number)))
    assert len(stream.getvalue().splitlines()) == RequestLog.MOST


def test_requests_are_counted_also_where_none_is_written() -> None:
    log = RequestLog(None)
    log.note(seen("a", "/log/b"))
    log.flush()
    labels = {"route": "/log/b", "method": "GET", "status": "200"}
    assert REGISTRY.get_sample_value("edge302_api_requests_total", labels) == 1
