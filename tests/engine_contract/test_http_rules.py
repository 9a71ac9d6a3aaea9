"""docs/http.md, line by line: whole, split at every byte, and pipelined."""

from typing import Final

import pytest

from shortlink.links import LinkKey
from tests.engine_contract.parts import Client, Node, parse_replies
from tests.engine_contract.rules import GOOD, RULES, Rule

KNOWN: Final = LinkKey("", "known01")

every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def expect(client: Client, rule: Rule, *, redirects_before: int = 0, redirects_after: int = 0) -> None:
    """The client has got exactly this, and its connection is open or closing as the rule says."""
    replies = parse_replies(client.received)
    expected = [302] * redirects_before + [rule.status] + [302] * redirects_after
    assert [reply.status for reply in replies] == expected
    assert [reply.says_close for reply in replies] == [False] * (len(replies) - 1) + [rule.closes]
    assert client.is_closed is rule.closes
    assert client.connection.pending == 0


@every_rule
def test_whole(shared_node: Node, rule: Rule) -> None:
    client = shared_node.connect()
    client.send(rule.request)
    expect(client, rule)
    assert client.connection.partial is False


@every_rule
def test_byte_by_byte(shared_node: Node, rule: Rule) -> None:
    whole = shared_node.connect().send(rule.request)
    client = shared_node.connect()
    client.send(*(rule.request[at : at + 1] for at in range(len(rule.request))))
    expect(client, rule)
    assert client.received == whole


@every_rule
def test_split_in_two_anywhere(shared_node: Node, rule: Rule) -> None:
    whole = shared_node.connect().send(rule.request)
    # Of long heads only every 97th place, and those near the limits.
    places = [at for at in range(len(rule.request)) if len(rule.request) < 300 or at % 97 == 0 or 2_040 < at < 2_056]
    for at in places:
        assert shared_node.connect().send(rule.request[:at], rule.request[at:]) == whole, at


@every_rule
def test_behind_a_good_request(shared_node: Node, rule: Rule) -> None:
    client = shared_node.connect()
    client.send(GOOD + rule.request)
    expect(client, rule, redirects_before=1)


@every_rule
def test_behind_a_good_request_in_its_place_while_that_one_waits(shared_node: Node, rule: Rule) -> None:
    shared_node.change(KNOWN)
    client = shared_node.connect(resolves=False)
    client.send(GOOD + rule.request)
    assert client.received == b""
    shared_node.resolve()
    client.step(client.connection.resume)
    expect(client, rule, redirects_before=1)


@every_rule
def test_before_a_good_request(shared_node: Node, rule: Rule) -> None:
    client = shared_node.connect()
    client.send(rule.request + GOOD)
    if rule.request.endswith(b"\r\n\r\n") or rule.closes:
        expect(client, rule, redirects_after=0 if rule.closes else 1)


@every_rule
def test_between_good_requests_cut_anywhere(shared_node: Node, rule: Rule) -> None:
    stream = GOOD + rule.request + GOOD
    whole = shared_node.connect().send(stream)
    for size in (7, 31, 64):
        client = shared_node.connect()
        client.send(*(stream[at : at + size] for at in range(0, len(stream), size)))
        assert client.received == whole


@every_rule
def test_after_the_end_nothing_is_answered(shared_node: Node, rule: Rule) -> None:
    client = shared_node.connect()
    client.send(rule.request)
    if rule.closes:
        assert client.send(GOOD, GOOD * 3, b"\r\n") == b""
        assert client.is_closed


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.status not in (302, 204)], ids=lambda rule: rule.name)
def test_an_error_echoes_nothing(shared_node: Node, rule: Rule) -> None:
    reply = parse_replies(shared_node.connect().send(rule.request))[0]
    assert reply.fields["content-type"] == "text/plain; charset=utf-8"
    assert len(reply.body) == (int(reply.fields["content-length"]) if not rule.request.startswith(b"HEAD") else 0)
    for part in (b"known01", b"go.example", b"nowhere", b"X-Real"):
        assert part not in reply.body
