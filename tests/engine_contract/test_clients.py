"""Whose request it is, and how many unknown codes its network may ask for."""

import pytest

from shortlink.links import LinkKey
from tests.engine_contract.conftest import MakeNode
from tests.engine_contract.parts import Node, get, make_link, parse_replies


def statuses(node: Node, peer: str | None, *fields: str, codes: int = 1, start: int = 0) -> list[int]:
    """Answers to so many requests for codes that nobody has."""
    client = node.connect(peer)
    requests = [get(f"none{number}", *fields) for number in range(start, start + codes)]
    return [reply.status for reply in parse_replies(client.send(*requests))]


def test_past_its_budget_a_network_gets_429_for_misses_and_hits_go_on(make_node: MakeNode) -> None:
    node = make_node(unknown_per_minute=3)
    node.add(make_link("known01"), make_link("known02"))
    client = node.connect("192.0.2.1")
    client.send(get("known01"))
    assert statuses(node, "192.0.2.1", codes=5) == [404, 404, 404, 429, 429]
    asked = len(node.asked)
    (refused,) = parse_replies(client.send(get("none9")))
    assert (refused.status, refused.fields["retry-after"], refused.says_close) == (429, "20", False)
    assert [reply.status for reply in parse_replies(client.send(get("known01"), get("known01?a")))] == [302, 302]
    assert len(node.asked) == asked
    node.clock.advance(20)
    assert statuses(node, "192.0.2.1", codes=2, start=20) == [404, 429]


def test_an_absence_that_is_remembered_costs_as_much(make_node: MakeNode) -> None:
    node = make_node(unknown_per_minute=3)
    client = node.connect()
    replies = parse_replies(client.send(*[get("nowhere")] * 5))
    assert [reply.status for reply in replies] == [404, 404, 404, 429, 429]


def test_a_crowd_that_comes_for_one_link_before_it_is_cached_pays_once(make_node: MakeNode) -> None:
    node = make_node(unknown_per_minute=2)
    node.add(make_link("popular"))
    crowd = [node.connect("192.0.2.1", resolves=False) for _ in range(10)]
    for client in crowd:
        assert client.send(get("popular")) == b""
    node.resolve()
    assert [parse_replies(client.connection.resume())[0].status for client in crowd] == [302] * 10


def test_codes_that_turn_out_to_be_known_cost_nothing(make_node: MakeNode) -> None:
    node = make_node(unknown_per_minute=3)
    node.add(*(make_link(f"link{number}") for number in range(20)))
    client = node.connect()
    replies = parse_replies(client.send(*(get(f"link{number}") for number in range(20))))
    assert [reply.status for reply in replies] == [302] * 20


def test_an_unreachable_store_costs_the_client_nothing(make_node: MakeNode) -> None:
    node = make_node(unknown_per_minute=3)
    node.is_reachable = False
    assert statuses(node, "192.0.2.1", codes=10) == [503] * 10


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ("192.0.2.1", "192.0.2.255", "192.0.3.1"),
        ("::ffff:192.0.2.1", "192.0.2.9", "192.0.3.9"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
    ],
)
def test_a_network_is_a_24_or_a_64(make_node: MakeNode, one: str, same: str, other: str) -> None:
    node = make_node(unknown_per_minute=1)
    assert statuses(node, one) == [404]
    assert statuses(node, same, start=1) == [429]
    assert statuses(node, other, start=2) == [404]


def test_no_budget(make_node: MakeNode) -> None:
    node = make_node(unknown_per_minute=0)
    assert statuses(node, "192.0.2.1", codes=1_500) == [404] * 1_000  # the 1,000th closes


def networks(node: Node, peer: str | None, *fields: str) -> str:
    """The network that pays for a request: known by whose budget is used up."""
    assert statuses(node, peer, *fields) == [404]
    paid = [name for name in CANDIDATES if statuses(node, name, start=1) == [429]]
    return paid[0] if paid else "nobody"


CANDIDATES = ["10.0.0.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"]


@pytest.mark.parametrize(
    ("peer", "fields", "payer"),
    [
        # An untrusted peer's word counts for nothing.
        ("203.0.113.1", ["X-Forwarded-For: 198.51.100.1"], "203.0.113.1"),
        ("203.0.113.1", ["Forwarded: for=198.51.100.1"], "203.0.113.1"),
        # A trusted one's last word does.
        ("10.0.0.1", ["X-Forwarded-For: 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["X-Forwarded-For: 203.0.113.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["X-Forwarded-For: 203.0.113.1", "X-Forwarded-For: 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["X-Forwarded-For: 203.0.113.1, 198.51.100.1, 10.0.0.9"], "198.51.100.1"),
        ("10.0.0.1", ["X-Forwarded-For: 198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["X-Forwarded-For: [2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["X-Forwarded-For: 2001:db8::1"], "2001:db8::1"),
        ("10.0.0.1", ['Forwarded: for=203.0.113.1, for="[2001:db8::1]:80";proto=http'], "2001:db8::1"),
        ("10.0.0.1", ["Forwarded: proto=https; For=198.51.100.1;by=10.0.0.1"], "198.51.100.1"),
        ("10.0.0.1", ['Forwarded: for="198.51.100.1, for=203.0.113.1"'], "10.0.0.1"),
        ("10.0.0.1", ["Forwarded: for=203.0.113.1", "X-Forwarded-For: 198.51.100.1"], "198.51.100.1"),
        # What can't be read hides what stands before it.
        ("10.0.0.1", ["X-Forwarded-For: 198.51.100.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["X-Forwarded-For: 198.51.100.1, _hidden, 10.0.0.7"], "10.0.0.1"),
        ("10.0.0.1", ["X-Forwarded-For:"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        # All trusted: the farthest.
        ("10.0.0.1", ["X-Forwarded-For: 10.9.9.9, 10.0.0.2"], "nobody"),
        # A unix socket is trusted.
        (None, ["X-Forwarded-For: 198.51.100.1"], "198.51.100.1"),
        (None, ["Forwarded: for=198.51.100.1"], "198.51.100.1"),
        (None, [], "nobody"),
    ],
)
def test_the_client_is_the_nearest_that_is_no_trusted_proxy(
    make_node: MakeNode, peer: str | None, fields: list[str], payer: str
) -> None:
    node = make_node(trusted_proxies=("10.0.0.0/8",), unknown_per_minute=1)
    assert networks(node, peer, *fields) == payer


def test_one_connection_of_a_proxy_carries_many_clients(make_node: MakeNode) -> None:
    node = make_node(trusted_proxies=("10.0.0.0/8",), unknown_per_minute=1)
    client = node.connect("10.0.0.1")
    requests = [get(f"none{number}", f"X-Forwarded-For: 198.51.{number % 3}.1") for number in range(6)]
    replies = parse_replies(client.send(*requests))
    assert [reply.status for reply in replies] == [404] * 3 + [429] * 3


def test_a_link_that_must_be_confirmed_is_no_unknown_code(make_node: MakeNode) -> None:
    node = make_node(unknown_per_minute=1)
    node.add(make_link("known01"))
    node.connect("192.0.2.1").send(get("known01"))
    assert statuses(node, "192.0.2.1", codes=2) == [404, 429]
    node.clock.advance(0.1)
    node.engine.forget_all()
    (reply,) = parse_replies(node.connect("192.0.2.1").send(get("known01")))
    assert reply.status == 302
    assert [LinkKey("", "known01")] in node.asked[1:]


def test_a_health_checker_makes_nobody_forgotten(node: Node) -> None:
    node.connect("192.0.2.1").send(get("known01", "User-Agent: visitor"))
    for _ in range(1_500):
        node.connect("192.0.2.9").send(get("healthz", "User-Agent: checker"))
    node.connect("192.0.2.1").send(get("known01", "User-Agent: visitor"))
    ((_, _, _, agent, clicks),) = node.clicks()
    assert (agent, clicks) == (b"visitor", 2)
