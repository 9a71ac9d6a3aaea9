"""An engine with a store that is a dict, clients that are bytes, and a clock moved by hand."""

import gc
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from gateway.counters import CountersPage
from gateway.engines.contract import Attention, Connection, Engine, Tier, Unavailable
from redirect_core import SpoolReader, SpoolWriter
from shortlink.links import Change, Link, LinkKey

TARGET: Final = "https://example.com/landing"
PEER: Final = "198.51.100.7"


class HandClock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 5_000.0
        self.is_broken = False

    def now_ms(self) -> int:
        return 1_800_000_000_000 + int(self.seconds * 1000)

    def monotonic(self) -> float:
        """OSError: it is broken, which makes an engine fail, and the Rust one panic."""
        if self.is_broken:
            raise OSError("a broken clock")
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


def make_link(code: str, domain: str = "", **fields: object) -> Link:
    """A link that differs from a plain one in `fields`."""
    plain = Link(domain=domain, code=code, target=TARGET, owner_key=None, created_at=0, updated_at=0, version=1 << 20)
    return replace(plain, **fields)


def get(code: str, *fields: str, method: str = "GET", version: str = "HTTP/1.1") -> bytes:
    """A request for `/code`, with these fields besides Host."""
    lines = [f"{method} /{code} {version}", "Host: go.example", *fields]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n"


@dataclass
class Node:
    """One engine and everything around it."""

    engine: Engine
    clock: HandClock
    page: CountersPage
    spool: SpoolWriter
    folder: Path  # of the spool
    links: dict[LinkKey, Link] = field(default_factory=dict)
    is_reachable: bool = True
    asked: list[list[LinkKey]] = field(default_factory=list)  # what the store was asked, query by query

    def connect(self, peer: str | None = PEER, *, resolves: bool = True) -> "Client":
        return Client(self, peer, resolves)

    def add(self, *links: Link) -> None:
        for link in links:
            self.links[link.key] = link

    def change(self, key: LinkKey, **fields: object) -> Link:
        """Change a link in the store, and announce it."""
        link = self.links[key]
        link = self.links[key] = replace(link, version=link.version + 1, **fields)
        self.engine.announce([Change(key, link.version)])
        return link

    def remove(self, key: LinkKey) -> None:
        link = self.links.pop(key)
        self.engine.announce([Change(key, link.version + 1)])

    def clicks(self) -> list[tuple[bytes, bytes, int, bytes, int]]:
        """All clicks so far: domain, code, flags, user agent and how many."""
        reader = SpoolReader(str(self.folder))
        try:
            return sorted(
                (domain, code, flags, batch.user_agents[agent], clicks)
                for batch in reader.read({})
                for domain, code, _, flags, agent, clicks in batch.counts
            )
        finally:
            reader.close()

    def resolve(self) -> None:
        """Find what is missing, until nothing is."""
        while keys := self.engine.take_misses():
            self.answer({key: self.links.get(key) for key in keys})
            self.asked.append(list(keys))

    def answer(self, found: dict[LinkKey, Link | None], *, asked_at: float | None = None) -> None:
        """Give the engine an answer of the store, or what there is instead while it can't be reached."""
        at = self.clock.monotonic() if asked_at is None else asked_at
        answers: dict[LinkKey, Link | Unavailable | None] = dict(found)
        if not self.is_reachable:
            answers = dict.fromkeys(found, Unavailable.UNAVAILABLE)
        for wake in self.engine.put(answers, asked_at=at, tier=Tier.STORE):
            wake()


class Client:
    """One connection as its protocol would drive it; what it was sent is in `received`."""

    def __init__(self, node: Node, peer: str | None, resolves: bool) -> None:
        self._node = node
        self._resolves = resolves
        self._woken = False
        self.received = b""
        self.connection: Connection = node.engine.connection(peer, self._wake)

    @property
    def is_closed(self) -> bool:
        return bool(self.connection.attention & Attention.CLOSE)

    def send(self, *reads: bytes) -> bytes:
        """Give the engine these reads one by one; all that comes back."""
        before = len(self.received)
        for data in reads:
            self.step(lambda data=data: self.feed(data))  # type: ignore[misc]
        return self.received[before:]

    def feed(self, data: bytes) -> bytes:
        """One read, without what its protocol would do next."""
        return self.connection.feed(data) or b""

    def half_close(self) -> bytes:
        before = len(self.received)
        self.step(self.connection.eof)
        return self.received[before:]

    def step(self, call: Callable[[], bytes]) -> None:
        """Do one thing, and then all that it flags."""
        self.received += call()
        while True:
            if self._resolves and self.connection.attention & Attention.MISSED:
                self._node.resolve()
            if not (self._woken or self.connection.attention & Attention.RESUME):
                return
            self._woken = False
            self.received += self.connection.resume()

    def _wake(self) -> None:
        self._woken = True


@dataclass(frozen=True)
class Reply:
    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def says_close(self) -> bool:
        return self.fields.get("connection") == "close"


def resident_bytes() -> int:
    """What this process has in memory now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def parse_replies(data: bytes) -> list[Reply]:
    """Every reply of a stream, each checked to be well-formed; fails on any byte that is none of a reply's.

    No body of ours begins like a status line, so a body that is left out (HEAD) shows.
    """
    return list(_replies(data))


def _replies(data: bytes) -> Iterator[Reply]:
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        assert end, f"a reply's head without an end: {head!r}"
        status_line, *lines = head.split(b"\r\n")
        matched = re.fullmatch(rb"HTTP/1\.1 ([2-5][0-9][0-9]) [A-Za-z -]+", status_line)
        assert matched, status_line
        fields: dict[str, str] = {}
        for line in lines:
            field_line = re.fullmatch(rb"([A-Z][A-Za-z-]*): ([!-~](?:[ -~]*[!-~])?)", line)
            assert field_line, line
            name = field_line[1].decode().lower()
            assert name not in fields, f"{name} twice"
            fields[name] = field_line[2].decode()
        status = int(matched[1])
        assert "date" in fields
        assert fields["x-content-type-options"] == "nosniff"
        length = 0 if status == 204 else int(fields["content-length"])
        has_body = length and data and not data.startswith(b"HTTP/1.1 ")
        body, data = (data[:length], data[length:]) if has_body else (b"", data)
        assert not has_body or len(body) == length
        yield Reply(status, fields, body)
