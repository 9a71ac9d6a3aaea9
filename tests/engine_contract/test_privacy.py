"""What the spool keeps of a visitor: as much as the operator chose, and less of those who ask not to be tracked."""

from typing import Any

import msgspec
import pytest

from redirect_core import PREFETCH, UNTRACKED, EventBatch, SpoolReader
from tests.engine_contract.conftest import MakeNode
from tests.engine_contract.parts import Node, get, make_link

TOLD = ["User-Agent: Firefox", "Referer: https://news.example/", "Accept-Language: de"]


def events(node: Node) -> list[dict[str, Any]]:
    """All clicks as they would be shipped, but that each says all that its visitor sent, and its flags."""
    reader = SpoolReader(str(node.folder))
    try:
        batches = reader.read_events({})
    finally:
        reader.close()
    return [msgspec.json.decode(line) for batch in batches for line in lines(batch)]


def lines(batch: EventBatch) -> list[bytes]:
    agents = [member("user_agent", agent) + b"," + member("flags", flags) for agent, flags in batch.agents]
    networks = [member("network", network) for network in batch.networks]
    referrers = [member("referrer", referrer) for referrer in batch.referrers]
    languages = [member("language", language) for language in batch.languages]
    links = [member("code", code) for _, code in batch.links]
    (partition,) = batch.encode("node", agents, networks, referrers, languages, links)
    return [line for _, line, _ in partition]


def member(name: str, value: bytes | int) -> bytes:
    return msgspec.json.encode({name: value.decode() if isinstance(value, bytes) else value})[1:-1]


def visit(node: Node, peer: str, *fields: str) -> None:
    node.add(make_link("known01"))
    node.connect(peer).send(get("known01", *TOLD, *fields), get("known01", *TOLD, *fields))


@pytest.mark.parametrize(
    ("privacy", "peer", "kept"),
    [
        ("truncate", "203.0.113.77", "203.0.113.0/24"),
        ("truncate", "2001:db8:1:2::77", "2001:db8:1::/48"),
        ("truncate", "::ffff:203.0.113.77", "203.0.113.0/24"),
        ("drop", "203.0.113.77", ""),
        ("drop", "2001:db8:1:2::77", ""),
        ("full", "203.0.113.77", "203.0.113.77"),
        ("full", "2001:db8:1:2::77", "2001:db8:1:2::77"),
        ("full", "::ffff:203.0.113.77", "203.0.113.77"),
    ],
)
def test_of_an_address_as_much_is_kept_as_was_chosen(make_node: MakeNode, privacy: str, peer: str, kept: str) -> None:
    node = make_node(ip_privacy=privacy)
    visit(node, peer)
    first, second = events(node)
    assert (first["network"], second["network"]) == (kept, kept)
    assert first["visitor"] == second["visitor"] != "0"
    assert (first["referrer"], first["language"], first["flags"]) == ("https://news.example/", "de", 0)


def test_a_visitor_is_known_again_whatever_is_kept_of_the_address(make_node: MakeNode) -> None:
    salts = {day: bytes(range(16)) for day in range(30_000)}
    seen = set()
    for privacy in ("truncate", "drop", "full"):
        node = make_node(ip_privacy=privacy)
        node.engine.set_salts(salts)
        visit(node, "203.0.113.77")
        visit(node, "203.0.113.78")
        seen.add(tuple(event["visitor"] for event in events(node)))
    ((one, again, other, _),) = seen
    assert one == again != other


@pytest.mark.parametrize("field", ["DNT: 1", "Sec-GPC: 1", "sec-gpc:1 "])
def test_who_asks_not_to_be_tracked_is_not_where_that_is_honoured(make_node: MakeNode, field: str) -> None:
    node = make_node(honour_do_not_track=True, ip_privacy="full")
    visit(node, "203.0.113.77", field)
    for event in events(node):
        assert (event["visitor"], event["network"], event["referrer"], event["language"]) == ("0", "", "", "")
        assert (event["flags"], event["user_agent"]) == (UNTRACKED, "Firefox")  # what the class hangs on


@pytest.mark.parametrize("field", ["DNT: 0", "DNT: 11", "DNT: true", "Sec-GPC: 0", "Sec-GPC:", "X-DNT: 1"])
def test_nothing_but_a_1_asks_for_it(make_node: MakeNode, field: str) -> None:
    node = make_node(honour_do_not_track=True)
    visit(node, "203.0.113.77", field)
    assert [(event["network"], event["flags"]) for event in events(node)] == [("203.0.113.0/24", 0)] * 2


@pytest.mark.parametrize(
    ("settings", "field", "unknown"),
    [
        ({"ip_privacy": "truncate"}, "X-A: b", [bytes([203, 0, 113, 77]), b"203.0.113"]),
        ({"ip_privacy": "drop"}, "X-A: b", [bytes([203, 0, 113])]),
        ({"ip_privacy": "full", "honour_do_not_track": True}, "DNT: 1", [bytes([203, 0, 113]), b"news.example"]),
    ],
)
def test_what_is_not_kept_is_nowhere_on_the_disk(
    make_node: MakeNode, settings: dict[str, object], field: str, unknown: list[bytes]
) -> None:
    node = make_node(**settings)
    visit(node, "203.0.113.77", field)
    written = b"".join(path.read_bytes() for path in node.folder.glob("*.seg"))
    assert b"Firefox" in written
    assert not [text for text in unknown if text in written]


def test_by_default_nobody_is_asked(node: Node) -> None:
    visit(node, "203.0.113.77", "DNT: 1", "Sec-GPC: 1")
    assert [(event["network"], event["flags"]) for event in events(node)] == [("203.0.113.0/24", 0)] * 2


def test_one_of_two_is_enough_and_a_prefetch_stays_one(make_node: MakeNode) -> None:
    node = make_node(honour_do_not_track=True)
    visit(node, "203.0.113.77", "DNT: 0", "DNT: 1", "Sec-GPC: 0", "Sec-Purpose: prefetch")
    assert [event["flags"] for event in events(node)] == [UNTRACKED | PREFETCH] * 2


def test_an_untracked_network_has_its_budget_of_unknown_codes_all_the_same(make_node: MakeNode) -> None:
    node = make_node(honour_do_not_track=True, unknown_per_minute=1)
    client = node.connect("203.0.113.77")
    replies = client.send(get("nobody1", "DNT: 1")) + client.send(get("nobody2", "DNT: 1"))
    assert b" 404 " in replies
    assert b" 429 " in replies
