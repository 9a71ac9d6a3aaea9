"""What a link's fields make of its reply, byte for byte, and at every time."""

import pytest

from shortlink.links import LinkKey
from tests.engine_contract.conftest import MakeNode
from tests.engine_contract.parts import TARGET, Node, Reply, get, make_link, parse_replies


def ask(node: Node, request: bytes) -> Reply:
    (reply,) = parse_replies(node.connect().send(request))
    return reply


def test_a_redirect_byte_for_byte(node: Node) -> None:
    assert node.connect().send(get("known01")) == (
        b"HTTP/1.1 302 Found\r\n"
        b"Date: Fri, 15 Jan 2027 09:23:20 GMT\r\n"
        b"X-Content-Type-Options: nosniff\r\n"
        b"Referrer-Policy: no-referrer-when-downgrade\r\n"
        b"Location: https://example.com/landing\r\n"
        b"Cache-Control: private, max-age=0\r\n"
        b"Content-Length: 0\r\n"
        b"\r\n"
    )


def test_the_date_is_that_of_the_reply(node: Node) -> None:
    client = node.connect()
    client.send(get("known01"))
    node.clock.advance(41)
    (reply,) = parse_replies(client.send(get("known01")))
    assert reply.fields["date"] == "Fri, 15 Jan 2027 09:24:01 GMT"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_status_and_cache_control_of_a_link(node: Node, status: int) -> None:
    node.add(make_link("other01", status=status, cache_control="public, max-age=60"))
    reply = ask(node, get("other01"))
    assert (reply.status, reply.fields["cache-control"]) == (status, "public, max-age=60")


def test_the_referrer_policy_is_the_operators(make_node: MakeNode) -> None:
    node = make_node(referrer_policy="no-referrer")
    node.add(make_link("known01"))
    assert ask(node, get("known01")).fields["referrer-policy"] == "no-referrer"
    assert "referrer-policy" not in ask(node, get("nowhere")).fields


@pytest.mark.parametrize("path", ["known01", "nowhere", "", "robots.txt", "favicon.ico", "healthz", "a/b"])
def test_head_has_the_fields_of_get_and_no_body(node: Node, path: str) -> None:
    of_get, of_head = ask(node, get(path)), ask(node, get(path, method="HEAD"))
    assert (of_head.status, of_head.fields, of_head.body) == (of_get.status, of_get.fields, b"")


@pytest.mark.parametrize(
    "request_of_head",
    [get("known01", "Expect: x", method="HEAD"), get("k", method="HEAD", version="HTTP/2.0"), get("#", method="HEAD")],
)
def test_a_refused_head_has_no_body(node: Node, request_of_head: bytes) -> None:
    assert node.connect().send(request_of_head).endswith(b"\r\n\r\n")


def test_allow_says_what_is_allowed(node: Node) -> None:
    for method in ("OPTIONS", "POST"):
        assert ask(node, get("known01", method=method)).fields["allow"] == "GET, HEAD, OPTIONS"


def test_absent_disabled_and_not_yet_valid_are_one_and_the_same(node: Node) -> None:
    node.add(
        make_link("off0001", enabled=False),
        make_link("early01", not_before=node.clock.now_ms() + 1),
        make_link("off0002", enabled=False, expires_at=1),
    )
    absent = node.connect().send(get("nowhere"))
    for code in ("off0001", "early01", "off0002"):
        assert node.connect().send(get(code)) == absent
        assert node.connect().send(get(code)) == absent


def test_a_link_begins_and_ends_on_the_millisecond(node: Node) -> None:
    now = node.clock.now_ms()
    node.add(make_link("brief01", not_before=now + 1_000, expires_at=now + 3_000))
    client = node.connect()
    statuses = []
    for _ in range(4):
        statuses.append(parse_replies(client.send(get("brief01")))[0].status)
        node.clock.advance(1)
    assert statuses == [404, 302, 302, 410]
    assert len(node.asked) == 1


def test_an_expired_link_leads_to_its_expired_target(node: Node) -> None:
    node.add(make_link("ended01", status=301, expires_at=1, expired_target="https://example.com/over"))
    reply = ask(node, get("ended01"))
    assert (reply.status, reply.fields["location"]) == (302, "https://example.com/over")


@pytest.mark.parametrize(
    ("target", "query", "location"),
    [
        ("https://e.com/", "?a=1", "https://e.com/?a=1"),
        ("https://e.com/?b", "?a=1", "https://e.com/?b&a=1"),
        ("https://e.com/?", "?a=1", "https://e.com/?a=1"),
        ("https://e.com/?b&", "?a=1", "https://e.com/?b&a=1"),
        ("https://e.com/#f", "?a=1", "https://e.com/?a=1#f"),
        ("https://e.com/?b#f?g", "?a=1", "https://e.com/?b&a=1#f?g"),
        ("https://e.com/?b#f", "?", "https://e.com/?b#f"),
        ("https://e.com/?b#f", "", "https://e.com/?b#f"),
        ("https://e.com/", "?a?b&%0d%0a=/", "https://e.com/?a?b&%0d%0a=/"),
    ],
)
def test_a_forwarded_query_goes_before_the_fragment(node: Node, target: str, query: str, location: str) -> None:
    node.add(make_link("carry01", target=target, forward_query=True), make_link("plain01", target=target))
    client = node.connect()
    for _ in range(2):  # looked up, then from the cache
        carried, plain = parse_replies(client.send(get("carry01" + query) + get("plain01" + query)))
        assert carried.fields["location"] == location
        assert plain.fields["location"] == target


@pytest.mark.parametrize(
    "harm",
    [
        {"target": "https://e.com/\r\nSet-Cookie: a=b"},
        {"target": "https://e.com/ü"},
        {"target": "https://e.com/a b"},
        {"target": "javascript:alert(1)"},
        {"target": ""},
        {"expired_target": "https://e.com/\n", "expires_at": 1},
        {"cache_control": "private\r\nX: y"},
        {"cache_control": ""},
        {"status": 200},
    ],
    ids=str,
)
def test_a_reply_that_can_not_be_prepared_is_500_and_counted(node: Node, harm: dict[str, object]) -> None:
    node.add(make_link("harm001", **harm))  # type: ignore[arg-type]
    assert ask(node, get("harm001")).status == 500
    assert ask(node, get("harm001")).status == 500
    assert node.page["engine_errors"] == 2
    assert ask(node, get("known01")).status == 302


def test_the_longest_target_is_answered_whole(node: Node) -> None:
    target = "https://example.com/" + "p" * 7_980
    node.add(make_link("long001", target=target))
    assert ask(node, get("long001")).fields["location"] == target


def test_a_host_of_ours_has_links_of_its_own_and_any_other_is_the_default(make_node: MakeNode) -> None:
    node = make_node(domains=("a.example", "b.example"))
    node.add(make_link("same001"), make_link("same001", "a.example", target="https://a.target/"))

    def location(host: str) -> str | None:
        client = node.connect()
        request = b"GET /same001 HTTP/1.1\r\nHost: %b\r\n\r\n" % host.encode()
        first, second = parse_replies(client.send(request) + client.send(request))
        assert first == second
        return first.fields.get("location")

    assert location("a.example") == "https://a.target/"
    assert location("A.EXAMPLE:8080") == "https://a.target/"
    assert location("b.example") is None
    assert location("c.example") == TARGET
    assert location("[::1]:80") == TARGET


def test_one_connection_may_ask_several_hosts(make_node: MakeNode) -> None:
    node = make_node(domains=("a.example",))
    node.add(make_link("same001"), make_link("same001", "a.example", target="https://a.target/"))
    of_a = b"GET /same001 HTTP/1.1\r\nHost: a.example\r\n\r\n"
    of_default = b"GET /same001 HTTP/1.1\r\nHost: go.example\r\n\r\n"
    replies = parse_replies(node.connect().send(of_a + of_default + of_a, of_a, of_default, of_a))
    expected = ["https://a.target/", TARGET, "https://a.target/"] * 2
    assert [reply.fields["location"] for reply in replies] == expected


def test_all_64_characters_of_an_alias(node: Node) -> None:
    alias = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
    node.add(make_link(alias), make_link("x"))
    client = node.connect()
    assert [reply.status for reply in parse_replies(client.send(get(alias), get("x"), get(alias)))] == [302] * 3
    assert LinkKey("", alias) in node.asked[0]


def test_replies_are_counted_by_route_and_status(node: Node) -> None:
    node.connect().send(get("known01") + get("known01") + get("nowhere") + get("a/b") + get("healthz") + b"\r\n")
    node.connect().send(get("known01"), get("known01"), get("known01") * 3)
    node.engine.tick()
    counted = {name: node.page[f"requests.{name}"] for name in ("redirect.302", "redirect.404", "refused.404")}
    assert counted == {"redirect.302": 7, "redirect.404": 1, "refused.404": 1}
    assert (node.page["requests.fixed.200"], node.page["requests.refused.400"]) == (1, 1)
    assert (node.page["cache_hits"], node.page["cache_misses"], node.page["store_hits"]) == (5, 3, 1)
