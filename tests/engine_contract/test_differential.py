"""The engines answer alike, byte for byte: the Python one, which is easy to read, says what the Rust one must do.

There is no intended difference in replies, in what connections do, in clicks or in counters, but for `NOT_COMPARED`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import pytest

from gateway.counters import INDEX
from gateway.engines import ENGINES
from gateway.engines.contract import Attention
from shortlink.links import LinkKey
from tests.engine_contract.conftest import start, stop
from tests.engine_contract.mutations import mutated
from tests.engine_contract.parts import PEER, Client, Node, get, make_link, parse_replies
from tests.engine_contract.recorded import RECORDED
from tests.engine_contract.rules import RULES

MUTATED: Final = 20_000
SEED: Final = 302
DOMAIN: Final = "links.example"
NOT_COMPARED: Final = {
    "cached_bytes": "each cache has a structure of its own, and says what that takes",
}
LINKS: Final = (
    make_link("known01"),
    make_link(
        "known01", DOMAIN, target="https://example.com/of-a-domain", status=301, cache_control="public, max-age=60"
    ),
    make_link("Alias-with_all"),
    make_link("query01", forward_query=True, target="https://example.com/?a=b#c"),
    make_link("early01", not_before=1 << 45),
    make_link("late001", expires_at=1),
    make_link("late002", expires_at=1, expired_target="https://example.com/over", status=308),
    make_link("off0001", enabled=False),
    make_link("broken1", target="https://example.com/\r\nSet-Cookie: a=b"),
    make_link("long001", target="https://example.com/" + "p" * 7_900, status=307),
)


@dataclass
class Pair:
    """The same node twice, each with an engine of its own."""

    nodes: tuple[Node, ...]

    def connect(self, peer: str | None = PEER, *, resolves: bool = True) -> "Twins":
        return Twins(tuple(node.connect(peer, resolves=resolves) for node in self.nodes))

    def advance(self, seconds: float) -> None:
        for node in self.nodes:
            node.clock.advance(seconds)
            node.engine.tick()

    def same(self) -> None:
        """What the engines counted, asked for and recorded is the same."""
        first, second = self.nodes
        assert first.clicks() == second.clicks()
        assert list(first.engine.take_orphans()) == list(second.engine.take_orphans())
        assert [sorted(keys) for keys in first.asked] == [sorted(keys) for keys in second.asked]
        for node in self.nodes:
            node.engine.tick()
        differing = {name for name in INDEX if first.page[name] != second.page[name]}
        assert differing <= set(NOT_COMPARED)


@dataclass
class Twins:
    """The same client of both."""

    clients: tuple[Client, ...]

    def send(self, *reads: bytes) -> bytes:
        """What both get, which is the same."""
        first, second = (client.send(*reads) for client in self.clients)
        assert first == second, reads
        self.alike(reads)
        return first

    def half_close(self) -> bytes:
        first, second = (client.half_close() for client in self.clients)
        assert first == second
        self.alike(())
        return first

    def alike(self, reads: tuple[bytes, ...]) -> None:
        connections = [client.connection for client in self.clients]
        # A link's lifetime is drawn, so that a refresh in the background may come at another moment: not MISSED.
        states = [(one.attention & ~Attention.MISSED, one.requests, one.partial, one.pending) for one in connections]
        assert states[0] == states[1], reads


@contextmanager
def pair_of(folder: Path, **settings: object) -> Iterator[Pair]:
    nodes = []
    for name in sorted(ENGINES):
        (folder / name).mkdir()
        node = start(name, folder / name, **settings)
        node.add(*LINKS)
        nodes.append(node)
    yield Pair(tuple(nodes))
    for node in nodes:
        stop(node)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    proxies = ("198.51.100.0/24", "2001:db8::/32")
    with pair_of(
        tmp_path, domains=(DOMAIN,), trusted_proxies=proxies, unknown_per_minute=0, honour_do_not_track=True
    ) as pair:
        yield pair


def test_the_rules(pair: Pair) -> None:
    for rule in RULES:
        pair.connect().send(rule.request)
        pair.connect().send(get("known01") + rule.request + get("known01"))
    pair.same()


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_heads(pair: Pair, name: str) -> None:
    for _ in range(2):  # the second time the client is known
        twins = pair.connect()
        twins.send(RECORDED[name])
        twins.send(RECORDED[name] * 3, RECORDED["curl"])
        twins.half_close()
        pair.connect(None).send(RECORDED[name])
        pair.connect("203.0.113.5").send(RECORDED[name])
    pair.same()


def test_links_of_every_kind(pair: Pair) -> None:
    twins = pair.connect()
    seen: set[int] = set()
    for _ in range(3):
        for link in LINKS:
            for suffix in ("", "?x=y", "?"):
                for method in ("GET", "HEAD"):
                    request = get(link.code + suffix, method=method)
                    received = twins.send(request, request.replace(b"go.example", DOMAIN.upper().encode()))
                    seen.update(reply.status for reply in parse_replies(received))
        pair.advance(40)
    assert seen == {301, 302, 307, 404, 410, 500}
    pair.same()


def test_mutated_requests_in_any_pieces(pair: Pair) -> None:
    random = Random(SEED)
    peers = (PEER, "203.0.113.9", "2001:db8::1", None)
    for number, request in enumerate(mutated(MUTATED, SEED + 7)):
        cuts = sorted(random.randrange(len(request) + 1) for _ in range(random.randrange(4)))
        pieces = [request[a:b] for a, b in zip([0, *cuts], [*cuts, len(request)], strict=True)]
        twins = pair.connect(random.choice(peers))
        twins.send(*pieces)
        if number % 3 == 0:
            twins.half_close()
        if number % 100 == 0:
            pair.advance(0.1)  # in all, less than the shortest lifetime
    pair.same()


def test_a_life_of_misses_changes_and_outages(pair: Pair) -> None:
    random = Random(SEED)
    clients = [pair.connect(f"192.0.2.{number}") for number in range(8)]
    # A disabled link's copy serves for its lifetime only, which is drawn, when no store answers.
    codes = [link.code for link in LINKS if not link.domain and link.enabled] + ["nowhere", "missing"]
    for step in range(3_000):
        twins = clients[step % len(clients)]
        deep = b"".join(get(random.choice(codes)) for _ in range(random.choice((1, 1, 1, 3, 20))))
        cut = random.randrange(len(deep))
        received = twins.send(deep[:cut], deep[cut:])
        if b"Connection: close" in received:
            clients[step % len(clients)] = pair.connect(f"192.0.2.{step % len(clients)}")
        chance = random.random()
        target = f"https://example.com/{step}"
        for node in pair.nodes:
            if chance < 0.05:
                node.change(LinkKey("", "known01"), target=target)
            elif chance < 0.06:
                node.engine.forget_all()
            elif chance < 0.08:
                node.is_reachable = not node.is_reachable
        pair.advance(random.choice((0.1, 0.5, 2.5)))
    first, second = pair.nodes
    assert first.clicks() == second.clicks()
