"""The check pass: ask for codes over plain sockets and compare every single reply with what it must be."""

import re
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from bench import heads
from bench.void import Void

WINDOW: Final = 64  # heads sent ahead on a connection
# With enough misses at once to fill the edge's queries: a pass over a million links is a warm-up too.
CONNECTIONS: Final = 8
TIMEOUT_SECONDS: Final = 30
_HEAD_END: Final = b"\r\n\r\n"
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_LOCATION: Final = re.compile(rb"\r\n[Ll]ocation: ([^\r]*)\r\n")
_LENGTH: Final = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: (\d+)\r\n")

TargetOf = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Form:
    """How codes are asked for.

    Attributes:
        head: the request for a code.
        has_body: False: replies tell the length of a body and send none, as those to HEAD do.
        closes: each request has a connection of its own, which the server ends.
    """

    head: Callable[[str], bytes] = heads.plain
    has_body: bool = True
    closes: bool = False


GET: Final = Form()
HEAD: Final = Form(heads.head, has_body=False)
CLOSING: Final = Form(heads.closing, closes=True)


class Replies:
    """Replies on one connection, in order."""

    def __init__(self, connection: socket.socket, *, have_bodies: bool = True) -> None:
        self._connection = connection
        self._have_bodies = have_bodies
        self._held = b""
        self._at = 0

    def next(self) -> tuple[int, str | None, int]:
        """Status, Location (None: without one) and bytes of the next reply.

        Void: the connection ended, or what came is no reply.
        """
        while (end := self._held.find(_HEAD_END, self._at)) < 0:
            self._read()
        head = self._held[self._at : end + 2]
        status, location, length = _STATUS.match(head), _LOCATION.search(head), _LENGTH.search(head)
        if status is None or length is None:
            raise Void(f"not a reply with a status and a length: {head!r}")
        size = len(head) + 2 + (int(length[1]) if self._have_bodies else 0)
        while len(self._held) < self._at + size:
            self._read()
        self._at += size
        return int(status[1]), location and location[1].decode("latin-1"), size

    def end(self) -> None:
        """Void: something follows, or the server keeps the connection open."""
        try:
            more = self._held[self._at :] or self._connection.recv(1024)
        except TimeoutError as exc:
            raise Void("the server keeps a connection open that it should close") from exc
        if more:
            raise Void(f"the server sent more than it was asked for: {more!r}")

    def _read(self) -> None:
        data = self._connection.recv(256 * 1024)
        if not data:
            raise Void("the server closed a connection that should stay open")
        self._held = self._held[self._at :] + data
        self._at = 0


def check(port: int, codes: Sequence[str], target_of: TargetOf, form: Form = GET) -> int:
    """Ask for each code; every answer must be 302 to its target, or 404 where there is none.

    Returns:
        The size that all replies have, in bytes.

    Raises:
        Void: a status, a Location or a size differs.
    """
    sizes = set()
    for code, (status, location, size) in (_one_by_one if form.closes else _pipelined)(port, codes, form):
        target = target_of(code)
        if (status, location) != (404 if target is None else 302, target):
            raise Void(f"/{code} was answered {status} to {location}, not with its target, {target}")
        sizes.add(size)
    if len(sizes) != 1:
        raise Void(f"replies have different sizes: {sorted(sizes)}")
    return sizes.pop()


Answers = Iterator[tuple[str, tuple[int, str | None, int]]]


def _pipelined(port: int, codes: Sequence[str], form: Form) -> Answers:
    """Over some connections, on each a window at a time: the server has the next ones while we look at the last."""
    with ExitStack() as stack:
        under_way: deque[tuple[socket.socket, Replies, Sequence[str]]] = deque()
        for start in range(0, len(codes), WINDOW):
            if len(under_way) < CONNECTIONS:
                connection = stack.enter_context(_connect(port))
                replies = Replies(connection, have_bodies=form.has_body)
            else:
                connection, replies, asked = under_way.popleft()
                yield from ((code, replies.next()) for code in asked)
            window = codes[start : start + WINDOW]
            connection.sendall(b"".join(map(form.head, window)))
            under_way.append((connection, replies, window))
        for _, replies, asked in under_way:
            yield from ((code, replies.next()) for code in asked)


def _one_by_one(port: int, codes: Sequence[str], form: Form) -> Answers:
    for code in codes:
        with _connect(port) as connection:
            connection.sendall(form.head(code))
            replies = Replies(connection, have_bodies=form.has_body)
            yield code, replies.next()
            replies.end()


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
