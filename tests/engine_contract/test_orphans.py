"""Visits to codes that no link has are counted, the most visited of them."""

from collections import Counter

from gateway.engines.contract import MAX_ORPHANS
from shortlink.links import LinkKey
from tests.engine_contract.conftest import MakeNode
from tests.engine_contract.parts import Node, get, make_link


def test_visits_are_counted_by_code_and_handed_over_once_most_visited_first(node: Node) -> None:
    client = node.connect()
    client.send(get("lost001"), get("typ0"), get("typ0"), get("lost001") + get("lost001"))
    assert list(node.engine.take_orphans()) == [("", "lost001", 3), ("", "typ0", 2)]
    assert list(node.engine.take_orphans()) == []


def test_only_a_get_that_no_link_answers_is_a_visit(make_node: MakeNode) -> None:
    node = make_node(unknown_per_minute=2)
    node.add(make_link("known01"), make_link("off0001", enabled=False), make_link("ended01", expires_at=1))
    node.add(make_link("later01", not_before=1 << 50))
    client = node.connect()
    client.send(*[get(code) for code in ("known01", "off0001", "ended01", "later01", "healthz", "", "a/b", "x.php")])
    client.send(get("lost001", method="HEAD"), get("lost001", method="OPTIONS"))
    assert list(node.engine.take_orphans()) == []
    assert client.send(get("lost001"), get("lost002")).count(b" 429 ") == 1
    assert list(node.engine.take_orphans()) == [("", "lost001", 1)]


def test_while_no_store_answers_nothing_is_known_to_be_one(node: Node) -> None:
    node.is_reachable = False
    assert b" 503 " in node.connect().send(get("lost001"))
    assert list(node.engine.take_orphans()) == []


def test_a_visit_says_on_which_domain(make_node: MakeNode) -> None:
    node = make_node(domains=("a.example",))
    client = node.connect()
    client.send(b"GET /lost001 HTTP/1.1\r\nHost: A.example\r\n\r\n", get("lost001"))
    assert sorted(node.engine.take_orphans()) == [("", "lost001", 1), ("a.example", "lost001", 1)]


def test_a_code_that_gets_a_link_is_none_from_then_on(node: Node) -> None:
    client = node.connect()
    client.send(get("lost001"))
    node.add(make_link("lost001"))
    node.change(LinkKey("", "lost001"))
    client.send(get("lost001"))
    assert list(node.engine.take_orphans()) == [("", "lost001", 1)]


def test_a_scan_hides_no_code_that_is_asked_for_often(make_node: MakeNode) -> None:
    node = make_node(unknown_per_minute=0, keepalive_requests=0)
    client = node.connect()
    scanned = [f"scan{number:05}" for number in range(5 * MAX_ORPHANS)]
    asked = Counter(scanned)
    for at, code in enumerate(scanned):
        often = "often01" if at % 10 == 0 else "often02" if at % 10 == 5 else ""
        asked.update([often] if often else [])
        client.send(get(code) + (get(often) if often else b""))
    told = node.engine.take_orphans()
    visits = asked.total()
    assert len(told) == MAX_ORPHANS
    assert sum(one.clicks for one in told) == visits
    assert {one.code for one in told[:2]} == {"often01", "often02"}
    assert all(asked[one.code] <= one.clicks <= asked[one.code] + visits // MAX_ORPHANS for one in told)


def test_a_reply_that_is_never_sent_is_no_visit(node: Node) -> None:
    client = node.connect(resolves=False)
    client.send(get("lost001"))
    node.resolve()
    client.connection.lost()
    assert list(node.engine.take_orphans()) == []
