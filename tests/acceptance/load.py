"""Visitors on keep-alive connections that count what was answered and what was under way when it broke."""

import asyncio
import contextlib
import re
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What one burst of visitors saw.

    Attributes:
        answered: whole 302 replies received.
        in_flight: requests sent (in whole or part) whose reply had not come whole when the connection broke.
        wrong: replies that were no 302 to the expected target.
    """

    answered: int = 0
    in_flight: int = 0
    wrong: list[bytes] = field(default_factory=list)

    def __iadd__(self, more: "Tally") -> "Tally":
        self.answered += more.answered
        self.in_flight += more.in_flight
        self.wrong += more.wrong
        return self


async def visit_until_cut(port: int, code: str, target: str, *, connections: int, until: asyncio.Event) -> Tally:
    """Follow one link over and over on several connections, until they break or `until` is set."""
    tally = Tally()
    expected = re.compile(rb"\r\nlocation: " + re.escape(target.encode()) + rb"\r\n", re.IGNORECASE)
    await asyncio.gather(*(_visitor(port, code, expected, tally, until) for _ in range(connections)))
    return tally


async def _visitor(port: int, code: str, expected: re.Pattern[bytes], tally: Tally, until: asyncio.Event) -> None:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return
    request = f"GET /{code} HTTP/1.1\r\nHost: go.example\r\nUser-Agent: Mozilla/5.0\r\n\r\n".encode()
    try:
        while not until.is_set():
            writer.write(request)
            try:
                reply = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                tally.in_flight += 1
                return
            if reply.startswith(b"HTTP/1.1 302 ") and expected.search(reply):
                tally.answered += 1
            else:
                tally.wrong.append(reply)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
