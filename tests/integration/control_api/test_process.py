"""The control plane as a process: its sockets, its first key, its ends."""

import http.client
import json
import signal
import socket
import threading
from pathlib import Path

import httpx
import pytest

from tests.integration.control_api.process import Process, started

URL = "https://example.com/"


def local(process: Process) -> httpx.Client:
    """A client of the control socket."""
    return httpx.Client(transport=httpx.HTTPTransport(uds=str(process.folder.control_socket)), base_url="http://local")


def test_the_first_key_is_admin_and_stays_through_restarts(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        with started(tmp_path) as process:
            keys.append(process.admin_key)
            assert httpx.get(process.address + "/api/keys", headers=process.bearer).json()["keys"][0]["scopes"] == [
                "admin"
            ]
            assert process.folder.admin_key.stat().st_mode & 0o777 == 0o600
    assert keys[0] == keys[1]


def test_who_can_open_the_control_socket_is_admin(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        assert process.folder.control_socket.stat().st_mode & 0o777 == 0o600
        with local(process) as client:
            assert client.post("/api/keys", json={"name": "x", "scopes": ["links:read"]}).status_code == 201
        assert httpx.get(process.address + "/api/keys").status_code == 401


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path) as process:
        assert process.stop(number) == 0
        assert not process.folder.control_socket.exists()
        assert not list(process.folder.root.glob("*-wal"))


def test_it_ends_when_its_supervisor_is_gone(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        process.leave_alone()
        assert process.child.wait(20) == 0


def test_a_request_under_way_is_finished_before_the_end(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        host, port = process.address.removeprefix("http://").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        connection.putrequest("POST", "/api/links/bulk")
        headers = process.bearer | {"Content-Type": "application/x-ndjson"}
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        line = json.dumps({"url": URL}).encode() + b"\n"
        connection.send(b"%x\r\n%s\r\n" % (len(line), line))
        reply = connection.getresponse()
        assert json.loads(reply.readline())["status"] == 201
        ended: list[int] = []
        stopping = threading.Thread(target=lambda: ended.append(process.stop()))
        stopping.start()
        _wait_until_closed(host, int(port))
        connection.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(line), line))
        assert json.loads(reply.readline())["status"] == 201
        assert reply.readline() == b""
        connection.close()
        stopping.join(20)
        assert ended == [0]


def test_what_was_answered_is_there_after_kill_9(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        made = httpx.post(process.address + "/api/shorten", json={"url": URL}, headers=process.bearer).json()
        process.stop(signal.SIGKILL)
    with started(tmp_path) as process:
        assert httpx.get(f"{process.address}/api/links/{made['code']}", headers=process.bearer).json() == made


def test_every_request_is_one_line_in_the_log_without_its_key(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        httpx.get(process.address + "/api/links/nothing?search=x", headers=process.bearer | {"X-Request-ID": "mine"})
        process.stop()
        key = process.admin_key
    log = (tmp_path / "log").read_text()
    [line] = [json.loads(line) for line in log.splitlines() if '"mine"' in line]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/links/{code}", 404)
    assert line["key"].startswith("key_")
    assert line["bytes"] > 0
    assert key[-43:] not in log


def test_ten_megabytes_are_refused_without_being_kept(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        before = _resident_kb(process)
        for _ in range(5):
            reply = httpx.post(
                process.address + "/api/shorten",
                content=(b"x" * 100_000 for _ in range(100)),
                headers=process.bearer | {"Content-Type": "application/json"},
            )
            assert reply.status_code == 413
        assert _resident_kb(process) < before + 10_000


def _resident_kb(process: Process) -> int:
    status = Path(f"/proc/{process.child.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def _wait_until_closed(host: str, port: int) -> None:
    """Return when nobody listens any more."""
    for _ in range(200):
        try:
            socket.create_connection((host, port), 1).close()
        except ConnectionError:
            return
        threading.Event().wait(0.02)
    raise AssertionError("still listening")
