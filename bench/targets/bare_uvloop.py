"""The comparison: uvloop, httptools and a dict of finished replies, with none of the edge's rules or promises.

Run as `python -m bench.targets.bare_uvloop PORT LINKS`; LINKS holds a code, a tab and a target a line.
"""

import asyncio
import sys
from email.utils import formatdate
from pathlib import Path
from typing import Final, cast

import httptools
import uvloop

# The same fields as the edge's own redirect, so that both write the same number of bytes.
FIELDS: Final = (
    b"Cache-Control: private, max-age=0\r\nContent-Length: 0\r\n"
    b"X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer-when-downgrade\r\n\r\n"
)
NOT_FOUND: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class Service:
    """What all connections share: replies by path, and the part of them that changes each second."""

    def __init__(self, links: Path) -> None:
        self.tails = {
            b"/" + code: b"Location: " + target + b"\r\n" + FIELDS
            for code, _, target in (line.partition(b"\t") for line in links.read_bytes().splitlines())
        }
        self.head = b""

    def tick(self) -> None:
        """Write the Date anew, once a second."""
        self.head = f"HTTP/1.1 302 Found\r\nDate: {formatdate(usegmt=True)}\r\n".encode()
        asyncio.get_running_loop().call_later(1, self.tick)


class BareProtocol(asyncio.Protocol):
    """One connection: parse, look up, one write a read."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.tails = service.tails
        self.parser = httptools.HttpRequestParser(self)
        self.path = b""
        self.replies: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = cast("asyncio.Transport", transport).write  # uvloop's own class, which is no subclass

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)
        replies = self.replies
        self.write(replies[0] if len(replies) == 1 else b"".join(replies))
        replies.clear()

    def on_url(self, url: bytes) -> None:
        self.path = url

    def on_message_complete(self) -> None:
        tail = self.tails.get(self.path)
        self.replies.append(self.service.head + tail if tail else NOT_FOUND)


async def serve(port: int, links: Path) -> None:
    """Serve until killed."""
    service = Service(links)
    service.tick()
    server = await asyncio.get_running_loop().create_server(lambda: BareProtocol(service), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
