"""A client that makes many links a request, and counts those that were made."""

import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import Thread
from typing import Final, NamedTuple

import msgspec

from bench.cores import move_thread_to_load_core
from bench.creates import target_of
from bench.void import Void
from devstack.processes import LOOPBACK

CONNECTIONS: Final = 4  # while PostgreSQL stores one's lines, the API reads another's
LINES: Final = 20_000  # a request
TIMEOUT_SECONDS: Final = 60
_MADE: Final = b'"status":201'


class BulkLoad(NamedTuple):
    """What a run made, and how long it took until the last reply had come to its end."""

    links: int
    seconds: float


def body(lines: int) -> bytes:
    """The body of a request for as many links, a different target each."""
    return msgspec.json.Encoder().encode_lines([{"url": target_of(number)} for number in range(lines)])


def run(port: int, key: str, body: bytes, seconds: float) -> BulkLoad:
    """`POST /api/links/bulk` over some connections, request after request, until the time is over.

    Raises:
        Void: a line was not answered with 201.
    """
    started = time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS, initializer=move_thread_to_load_core) as pool:
        runs = [pool.submit(_until, started + seconds, port, key, body) for _ in range(CONNECTIONS)]
        links = sum(one.result() for one in runs)
    return BulkLoad(links, time.monotonic() - started)


def _until(deadline: float, port: int, key: str, body: bytes) -> int:
    made = 0
    while time.monotonic() < deadline:
        made += _make(port, key, body)
    return made


def _make(port: int, key: str, body: bytes) -> int:
    """One request: its results are read while its lines are being sent."""
    connection = HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.putrequest("POST", "/api/links/bulk")
        connection.putheader("Authorization", f"Bearer {key}")
        connection.putheader("Content-Type", "application/x-ndjson")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        sending = Thread(target=connection.send, args=(body,))
        sending.start()
        reply = connection.getresponse()
        content = reply.read()
        sending.join()
    finally:
        connection.close()
    lines, made = body.count(b"\n"), content.count(_MADE)
    if reply.status != 200 or made != lines:
        raise Void(f"{made} of {lines} lines were made, status {reply.status}: {content[:200]!r}")
    return made
