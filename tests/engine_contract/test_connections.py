"""Persistence, fairness, half-closing, deadlines and draining of one connection."""

import pytest

from gateway.engines.contract import OUTPUT_A_TURN_BYTES, REQUESTS_A_TURN, Attention
from tests.engine_contract.conftest import MakeNode
from tests.engine_contract.parts import Node, get, make_link, parse_replies


def statuses(received: bytes) -> list[int]:
    return [reply.status for reply in parse_replies(received)]


def closings(received: bytes) -> list[bool]:
    return [reply.says_close for reply in parse_replies(received)]


def test_keep_alive_is_echoed_to_a_client_of_1_0(node: Node) -> None:
    request = get("known01", "Connection: keep-alive", version="HTTP/1.0")
    replies = parse_replies(node.connect().send(request, request))
    assert [reply.fields["connection"] for reply in replies] == ["keep-alive"] * 2
    (reply,) = parse_replies(node.connect().send(get("known01", "Connection: keep-alive")))
    assert "connection" not in reply.fields


@pytest.mark.parametrize("reads", [[get("known01")] * 9, [get("known01") * 9], [get("nowhere") * 9]])
def test_the_last_request_a_connection_may_make_says_close(make_node: MakeNode, reads: list[bytes]) -> None:
    node = make_node(keepalive_requests=5)
    node.add(make_link("known01"))
    client = node.connect()
    client.send(*reads)
    assert closings(client.received) == [False] * 4 + [True]
    assert client.is_closed


def test_no_limit_of_requests(make_node: MakeNode) -> None:
    node = make_node(keepalive_requests=0)
    node.add(make_link("known01"))
    client = node.connect()
    assert True not in closings(client.send(*[get("known01") * 100] * 30))
    assert client.connection.requests == 3_000


def test_a_turn_ends_after_so_many_requests(make_node: MakeNode) -> None:
    node = make_node(keepalive_requests=0)
    node.add(make_link("known01"))
    node.connect().send(get("known01"))
    client = node.connect()
    reply = client.send(get("known01"))
    replies = client.feed(get("known01") * (REQUESTS_A_TURN * 2 + 3) + b"GET /")
    assert replies == reply * REQUESTS_A_TURN
    assert client.connection.attention & Attention.RESUME
    assert client.connection.resume() == reply * REQUESTS_A_TURN
    assert client.connection.attention & Attention.RESUME
    assert client.connection.resume() == reply * 3
    assert client.connection.attention == Attention.PARTIAL
    assert client.connection.partial


def test_a_turn_ends_after_so_many_bytes(node: Node) -> None:
    node.add(make_link("long001", target="https://example.com/" + "p" * 7_000))
    client = node.connect()
    client.send(get("long001"))
    replies = client.feed(get("long001") * 20)
    assert OUTPUT_A_TURN_BYTES <= len(replies) < OUTPUT_A_TURN_BYTES + 8_000
    assert client.connection.attention & Attention.RESUME
    client.step(lambda: replies)
    assert statuses(client.received) == [302] * 21


def test_bytes_that_come_while_a_turn_is_due_wait_in_order(node: Node) -> None:
    node.add(make_link("other01", status=301))
    client = node.connect()
    client.send(get("known01"))
    first = client.feed(get("known01") * (REQUESTS_A_TURN + 1))
    client.step(lambda: first + client.feed(get("other01")))
    assert statuses(client.received) == [302] * (REQUESTS_A_TURN + 2) + [301]


def test_a_paused_connection_parses_nothing(node: Node) -> None:
    client = node.connect()
    client.send(get("known01"))
    client.connection.pause()
    assert client.send(get("known01"), get("known01")[:10]) == b""
    assert client.connection.attention == 0
    client.step(client.connection.resume)
    assert statuses(client.received) == [302, 302]
    assert client.connection.partial
    assert statuses(client.send(get("known01")[10:])) == [302]


def test_pausing_in_the_middle_of_a_head_loses_nothing(node: Node) -> None:
    client = node.connect()
    client.send(get("known01", "X: y")[:30])
    client.connection.pause()
    client.send(get("known01", "X: y")[30:40], get("known01", "X: y")[40:])
    client.step(client.connection.resume)
    assert statuses(client.received) == [302]


def test_a_half_closed_client_gets_every_answer(node: Node) -> None:
    client = node.connect(resolves=False)
    client.send(get("known01") + get("healthz") + get("nowhere") + b"GET /half")
    assert client.half_close() == b""
    assert not client.is_closed
    node.resolve()
    client.step(client.connection.resume)
    assert statuses(client.received) == [302, 200, 404]
    assert client.is_closed


def test_a_half_closed_client_gets_the_rest_of_its_read_too(node: Node) -> None:
    client = node.connect()
    client.send(get("known01"))
    first = client.feed(get("known01") * (REQUESTS_A_TURN + 9))
    client.step(lambda: first + client.connection.eof())
    assert statuses(client.received) == [302] * (REQUESTS_A_TURN + 10)
    assert client.is_closed


@pytest.mark.parametrize("sent", [b"", b"GET /kn", get("known01")])
def test_half_closing_without_anything_owed_closes(node: Node, sent: bytes) -> None:
    client = node.connect()
    client.send(sent)
    assert client.half_close() == b""
    assert client.is_closed


def test_half_closing_while_paused_closes_later(node: Node) -> None:
    client = node.connect()
    client.send(get("known01"))
    client.connection.pause()
    client.send(get("known01"))
    client.half_close()
    assert not client.is_closed
    client.step(client.connection.resume)
    assert statuses(client.received) == [302, 302]
    assert client.is_closed


@pytest.mark.parametrize("sent", [b"G", b"GET /known01 HTTP/1.1\r\n", get("known01")[:-1]])
def test_a_head_that_takes_too_long_is_408(node: Node, sent: bytes) -> None:
    client = node.connect()
    client.send(sent)
    client.step(client.connection.timeout)
    (reply,) = parse_replies(client.received)
    assert (reply.status, reply.says_close, client.is_closed) == (408, True, True)
    assert client.send(get("known01")) == b""


def test_a_408_comes_in_its_place(node: Node) -> None:
    client = node.connect(resolves=False)
    client.send(get("known01") + b"GET /")
    client.step(client.connection.timeout)
    assert client.received == b""
    assert not client.is_closed
    node.resolve()
    client.step(client.connection.resume)
    assert statuses(client.received) == [302, 408]
    assert client.is_closed


def test_a_client_that_sent_no_byte_gets_none(node: Node) -> None:
    client = node.connect()
    client.step(client.connection.timeout)
    assert client.received == b""
    assert client.is_closed


def test_a_drained_connection_closes_with_its_next_reply(node: Node) -> None:
    client = node.connect()
    client.send(get("known01"))
    client.connection.drain()
    assert closings(client.send(get("known01") * 2)) == [True]
    assert client.is_closed


def test_a_drained_connection_closes_with_the_last_reply_that_it_owes(node: Node) -> None:
    client = node.connect(resolves=False)
    client.send(get("known01") + get("nowhere"))
    client.connection.drain()
    node.resolve()
    client.step(client.connection.resume)
    assert closings(client.received) == [False, True]
    assert client.is_closed


def test_a_drained_engine_closes_every_connection_with_its_next_reply(node: Node) -> None:
    clients = [node.connect() for _ in range(3)]
    clients[0].send(get("known01"))
    clients[1].send(get("known01")[:10])
    node.engine.drain()
    clients[1].send(get("known01")[10:])
    for client in (clients[0], clients[2]):
        client.send(get("known01", "X: y") * 2)
    assert [closings(client.received) for client in clients] == [[False, True], [True], [True]]


def test_heads_are_counted_when_they_are_complete(node: Node) -> None:
    client = node.connect()
    seen = []
    for read in (b"GE", get("known01")[2:], get("healthz") + b"G", b"\r\n"):
        client.send(read)
        seen.append((client.connection.requests, client.connection.partial))
    assert seen == [(0, True), (1, False), (2, True), (3, False)]


def test_a_draining_engine_closes_each_connection_with_its_next_reply(node: Node) -> None:
    known, new = node.connect(), node.connect()
    known.send(get("known01"), get("known01"))
    node.engine.drain()
    for client in (known, new):
        assert b"\r\nConnection: close\r\n" in client.send(get("known01"))
        assert client.is_closed
