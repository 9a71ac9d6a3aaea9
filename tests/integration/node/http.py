"""Visits to the edge over bare sockets, so that a test decides when which byte is sent."""

import re
import socket
from pathlib import Path
from typing import NamedTuple

TIMEOUT_SECONDS = 10.0


class Reply(NamedTuple):
    """What came back."""

    status: int
    head: str

    def header(self, name: str) -> str | None:
        """A header's value, if it is there."""
        found = re.search(rf"^{name}: *(.*)\r$", self.head, re.MULTILINE | re.IGNORECASE)
        return found[1] if found else None


def request(path: str, *, method: str = "GET") -> bytes:
    """A plain request that keeps the connection open."""
    return f"{method} {path} HTTP/1.1\r\nHost: example.com\r\nUser-Agent: Mozilla/5.0\r\n\r\n".encode()


def connect(port: int) -> socket.socket:
    """A connection to the edge."""
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)


def connect_unix(path: Path) -> socket.socket:
    """A connection to one worker's unix socket."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(TIMEOUT_SECONDS)
    client.connect(str(path))
    return client


def read_reply(client: socket.socket) -> Reply:
    """The next reply's head; its body, if it has one, stays short enough to come along. EOFError: none came."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = client.recv(65_536)
        if not more:
            raise EOFError(f"the edge closed after {received!r}")
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    reply = Reply(int(head.split()[1]), head.decode("latin-1") + "\r\n")
    missing = int(reply.header("Content-Length") or 0) - len(body)
    while missing > 0:
        missing -= len(client.recv(missing))
    return reply


def visit(port: int, path: str) -> Reply:
    """One request on a connection of its own."""
    with connect(port) as client:
        client.sendall(request(path))
        return read_reply(client)


def is_closed(client: socket.socket) -> bool:
    """Wait until the edge has closed the connection; False: it says more instead."""
    return client.recv(1) == b""
