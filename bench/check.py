"""The check pass: ask for codes one by one over a plain socket and compare every reply with what it must be."""

import re
import socket
from collections.abc import Callable, Sequence
from typing import Final

from bench import heads
from bench.void import Void

WINDOW: Final = 64  # heads sent ahead
_HEAD_END: Final = b"\r\n\r\n"
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_LOCATION: Final = re.compile(rb"\r\n[Ll]ocation: ([^\r]*)\r\n")
_LENGTH: Final = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: (\d+)\r\n")


class Replies:
    """Replies on one keep-alive connection, in order."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._held = b""

    def next(self) -> tuple[int, str | None, int]:
        """Status, Location (None: without one) and bytes of the next reply.

        Void: the connection ended, or what came is no reply.
        """
        while (end := self._held.find(_HEAD_END)) < 0:
            self._read()
        head = self._held[: end + 2]
        status, location, length = _STATUS.match(head), _LOCATION.search(head), _LENGTH.search(head)
        if status is None or length is None:
            raise Void(f"not a reply with a status and a length: {head!r}")
        size = end + len(_HEAD_END) + int(length[1])
        while len(self._held) < size:
            self._read()
        self._held = self._held[size:]
        return int(status[1]), location and location[1].decode("latin-1"), size

    def _read(self) -> None:
        data = self._connection.recv(256 * 1024)
        if not data:
            raise Void("the server closed a connection that should stay open")
        self._held += data


def check(port: int, codes: Sequence[str], target_of: Callable[[str], str]) -> int:
    """Ask for each code; every answer must be 302 to its target. Returns the size that all replies have.

    Raises:
        Void: a status, a Location or a size differs.
    """
    sizes = set()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        replies = Replies(connection)
        for start in range(0, len(codes), WINDOW):
            window = codes[start : start + WINDOW]
            connection.sendall(b"".join(map(heads.plain, window)))
            for code in window:
                status, location, size = replies.next()
                if (status, location) != (302, target_of(code)):
                    raise Void(f"/{code} was answered {status} to {location}, not 302 to {target_of(code)}")
                sizes.add(size)
    if len(sizes) != 1:
        raise Void(f"replies have different sizes: {sorted(sizes)}")
    return sizes.pop()
