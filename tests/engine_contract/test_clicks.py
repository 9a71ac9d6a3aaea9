"""A click is a GET answered with a redirect, recorded as its reply enters the output."""

from redirect_core._core import HEAD, PREFETCH
from shortlink.links import LinkKey
from tests.engine_contract.conftest import MakeNode
from tests.engine_contract.parts import Node, get, make_link

KNOWN = LinkKey("", "known01")


def test_only_redirects_are_clicks(node: Node) -> None:
    node.add(make_link("off0001", enabled=False), make_link("ended01", expires_at=1), make_link("harm001", target=""))
    client = node.connect()
    for code in ("known01", "nowhere", "off0001", "ended01", "harm001", "healthz", "", "a/b"):
        client.send(get(code), get(code))
    client.send(get("known01", method="OPTIONS"), get("known01", method="POST"))
    assert node.clicks() == [(b"", b"known01", 0, b"", 2)]
    assert (node.page["clicks_spooled"], node.spool.spooled) == (2, 2)


def test_a_redirect_to_an_expired_target_is_one(node: Node) -> None:
    node.add(make_link("ended01", expires_at=1, expired_target="https://e.com/over"))
    node.connect().send(get("ended01"))
    assert node.clicks() == [(b"", b"ended01", 0, b"", 1)]


def test_head_and_prefetch_are_flagged(node: Node) -> None:
    client = node.connect()
    client.send(get("known01", method="HEAD"))
    for fields in (["Sec-Purpose: prefetch"], ["Sec-Purpose: prefetch;prerender"], ["Purpose: Prefetch"]):
        client.send(get("known01", *fields), get("known01", *fields))
    client.send(get("known01", "Sec-Purpose: other"))
    client.send(get("known01", "X-Moz: prefetch"), get("known01", "X-Purpose: preview"))
    client.send(get("known01", "Purpose: preview"), get("known01", "Sec-Purpose: prefetch; anonymous-client-ip"))
    client.send(get("known01", "X-Moz: no-prefetch"), get("known01", "X-Purpose: prefetching"))
    client.send(get("known01", "Purpose: prefetch", method="HEAD"))
    assert node.clicks() == [
        (b"", b"known01", 0, b"", 3),
        (b"", b"known01", HEAD, b"", 1),
        (b"", b"known01", PREFETCH, b"", 10),
        (b"", b"known01", HEAD | PREFETCH, b"", 1),
    ]
    assert node.page["clicks_head"] == 2


def test_each_click_says_who_sent_it(node: Node) -> None:
    client = node.connect()
    for agent in ("one", "two", "one", "one"):
        client.send(get("known01", f"User-Agent: {agent}"))
    client.send(get("known01", "User-Agent: three") + get("known01", "User-Agent: two") * 2)
    agents = [(agent, clicks) for _, _, _, agent, clicks in node.clicks()]
    assert agents == [(b"one", 3), (b"three", 1), (b"two", 3)]


def test_a_click_says_on_which_domain(make_node: MakeNode) -> None:
    node = make_node(domains=("a.example",))
    node.add(make_link("known01", "a.example"))
    request = b"GET /known01 HTTP/1.1\r\nHost: A.example\r\n\r\n"
    node.connect().send(request, request)
    assert node.clicks() == [(b"a.example", b"known01", 0, b"", 2)]


def test_a_click_that_waits_is_recorded_when_its_reply_goes_out(node: Node) -> None:
    node.connect().send(get("known01"))
    client = node.connect(resolves=False)
    client.send(get("nowhere") + get("known01"))
    assert node.spool.spooled == 1  # answered from the cache, but behind a miss
    node.resolve()
    client.step(client.connection.resume)
    assert node.spool.spooled == 2


def test_a_reply_that_is_never_sent_is_no_click(node: Node) -> None:
    client = node.connect(resolves=False)
    client.send(get("known01"))
    node.resolve()
    client.connection.lost()
    assert node.spool.spooled == 0


def test_pipelined_clicks_are_all_recorded(node: Node) -> None:
    node.connect().send(get("known01") * 100, get("known01") * 77)
    assert node.clicks() == [(b"", b"known01", 0, b"", 177)]
    assert node.page["clicks_spooled"] == 177
