"""What is not cached: asked for once, answered in order, bounded, and kept no longer than promised."""

from gateway.engines.contract import (
    ABSENT_SECONDS,
    LIFETIME_SECONDS,
    MAX_PENDING_REPLIES,
    REFRESH_AT,
    STALE_SECONDS,
    Attention,
)
from shortlink.links import LinkKey
from tests.engine_contract.conftest import MakeNode
from tests.engine_contract.parts import TARGET, Client, Node, get, make_link, parse_replies, resident_bytes

KNOWN = LinkKey("", "known01")


def statuses(received: bytes) -> list[int]:
    return [reply.status for reply in parse_replies(received)]


def resume(client: Client) -> list[int]:
    before = len(client.received)
    client.step(client.connection.resume)
    return statuses(client.received[before:])


def test_one_flight_a_key_however_many_wait(node: Node) -> None:
    clients = [node.connect(resolves=False) for _ in range(10)]
    for client in clients:
        assert client.send(get("known01") * 3) == b""
        assert client.connection.pending == 3
    assert list(node.engine.take_misses()) == [KNOWN]
    assert list(node.engine.take_misses()) == []
    node.answer({KNOWN: node.links[KNOWN]})
    assert [resume(client) for client in clients] == [[302] * 3] * 10
    assert [client.connection.pending for client in clients] == [0] * 10


def test_replies_keep_the_order_of_their_requests(node: Node) -> None:
    node.add(make_link("other01", target="https://e.com/other"))
    node.connect().send(get("other01"))
    client = node.connect(resolves=False)
    client.send(get("known01") + get("other01") + get("healthz") + get("nowhere") + get("a/b"))
    assert client.received == b""
    keys = node.engine.take_misses()
    assert set(keys) == {KNOWN, LinkKey("", "nowhere")}
    node.answer({LinkKey("", "nowhere"): None})
    assert resume(client) == []
    node.answer({KNOWN: node.links[KNOWN]})
    resume(client)
    replies = parse_replies(client.received)
    assert [reply.status for reply in replies] == [302, 302, 200, 404, 404]
    assert [reply.fields.get("location") for reply in replies[:2]] == [TARGET, "https://e.com/other"]


def test_only_connections_with_a_reply_ready_are_woken(node: Node) -> None:
    woken = []
    connections = [
        node.engine.connection("192.0.2.1", lambda number=number: woken.append(number))  # type: ignore[misc]
        for number in range(3)
    ]
    for connection, code in zip(connections, ("first01", "second1", "first01"), strict=True):
        connection.feed(get(code))
    connections[1].feed(get("first01"))
    node.engine.take_misses()
    node.answer({LinkKey("", "first01"): None})
    assert sorted(woken) == [0, 2]


def test_at_most_so_many_replies_wait_on_a_connection(node: Node) -> None:
    client = node.connect(resolves=False)
    client.send(get("known01") * (MAX_PENDING_REPLIES + 5))
    assert client.connection.pending == MAX_PENDING_REPLIES
    assert client.connection.requests == MAX_PENDING_REPLIES
    node.resolve()
    assert resume(client) == [302] * (MAX_PENDING_REPLIES + 5)


def test_too_many_misses_are_503_in_place_and_the_connection_stays(make_node: MakeNode) -> None:
    node = make_node(max_misses=2)
    node.add(make_link("known01"))
    client = node.connect(resolves=False)
    client.send(get("one") + get("two") + get("three") + get("one") + get("healthz"))
    node.resolve()
    resume(client)
    replies = parse_replies(client.received)
    assert [reply.status for reply in replies] == [404, 404, 503, 404, 200]
    assert replies[2].fields["retry-after"] == "1"
    assert node.page["misses_refused"] == 1
    assert statuses(client.send(get("known01"))) == []
    node.resolve()
    assert resume(client) == [302]


def test_without_a_store_a_miss_is_503(node: Node) -> None:
    node.is_reachable = False
    client = node.connect()
    (reply,) = parse_replies(client.send(get("known01")))
    assert (reply.status, reply.fields["retry-after"], reply.says_close) == (503, "1", False)
    node.is_reachable = True
    assert statuses(client.send(get("known01"))) == [302]


def test_a_link_is_kept_for_its_lifetime_and_no_longer_by_hits(node: Node) -> None:
    client = node.connect(resolves=False)
    client.send(get("known01"))
    node.resolve()
    resume(client)
    for _ in range(int(LIFETIME_SECONDS * 0.9 * REFRESH_AT) - 1):
        node.clock.advance(1)
        assert statuses(client.send(get("known01"))) == [302]
        assert list(node.engine.take_misses()) == []
    node.clock.advance(LIFETIME_SECONDS)
    assert client.send(get("known01")) == b""
    assert list(node.engine.take_misses()) == [KNOWN]


def test_a_link_in_use_is_asked_for_anew_before_its_lifetime_ends(node: Node) -> None:
    client = node.connect(resolves=False)
    client.send(get("known01"))
    node.resolve()
    resume(client)
    node.clock.advance(LIFETIME_SECONDS * 0.89)
    assert statuses(client.send(get("known01") * 2)) == [302, 302]  # from the cache, without waiting
    assert list(node.engine.take_misses()) == []  # it has time until the next tick, when others go with it
    node.engine.tick()
    assert list(node.engine.take_misses()) == [KNOWN]
    node.answer({KNOWN: node.links[KNOWN]})
    node.clock.advance(LIFETIME_SECONDS * 0.7)
    assert statuses(client.send(get("known01"))) == [302]
    assert list(node.engine.take_misses()) == []


def test_lifetimes_count_from_when_the_store_was_asked(node: Node) -> None:
    client = node.connect(resolves=False)
    client.send(get("known01"))
    node.engine.take_misses()
    asked_at = node.clock.monotonic()
    node.clock.advance(LIFETIME_SECONDS * 0.7)
    node.answer({KNOWN: node.links[KNOWN]}, asked_at=asked_at)
    assert resume(client) == [302]
    node.clock.advance(LIFETIME_SECONDS * 0.41)
    assert client.send(get("known01")) == b""
    assert list(node.engine.take_misses()) == [KNOWN]


def test_lifetimes_differ_by_ten_percent_at_most(node: Node) -> None:
    node.add(*(make_link(f"link{number:03}") for number in range(100)))
    client = node.connect(resolves=False)

    def asked_for() -> int:
        client.send(*(get(f"link{number:03}") for number in range(100)))
        before = len(node.asked)
        node.engine.tick()
        node.resolve()
        resume(client)
        return sum(len(keys) for keys in node.asked[before:])

    assert asked_for() == 100
    node.clock.advance(LIFETIME_SECONDS * REFRESH_AT * 0.89)
    assert asked_for() == 0
    node.clock.advance(LIFETIME_SECONDS * REFRESH_AT * 0.11)
    assert 10 < asked_for() < 90


def test_absence_is_remembered_for_two_seconds(node: Node) -> None:
    client = node.connect()
    assert statuses(client.send(get("nowhere"), get("nowhere"))) == [404, 404]
    assert len(node.asked) == 1
    assert node.page["cache_absent_hits"] == 1
    node.clock.advance(ABSENT_SECONDS)
    assert statuses(client.send(get("nowhere"))) == [404]
    assert len(node.asked) == 2


def test_without_a_store_an_old_copy_is_served_for_an_hour(node: Node) -> None:
    client = node.connect()
    client.send(get("known01"))
    node.is_reachable = False
    node.clock.advance(STALE_SECONDS - 2)
    assert statuses(client.send(get("known01"))) == [302]
    assert node.page["cache_stale_hits"] == 1
    node.clock.advance(2)
    assert statuses(client.send(get("known01"))) == [503]


def test_while_no_store_answers_an_old_copy_is_not_asked_for_at_each_request(node: Node) -> None:
    client = node.connect()
    client.send(get("known01"))
    node.is_reachable = False
    node.clock.advance(LIFETIME_SECONDS * 2)
    before = len(node.asked)
    assert statuses(client.send(*[get("known01")] * 50)) == [302] * 50
    assert len(node.asked) == before + 1
    node.clock.advance(1)
    assert statuses(client.send(*[get("known01")] * 50)) == [302] * 50
    assert len(node.asked) == before + 2


def test_a_failed_refresh_leaves_the_copy_fresh_for_its_lifetime(node: Node) -> None:
    client = node.connect()
    client.send(get("known01"))
    node.is_reachable = False
    node.clock.advance(LIFETIME_SECONDS * 0.89)
    before = len(node.asked)
    assert statuses(client.send(get("known01"))) == [302]
    node.engine.tick()
    node.resolve()
    assert statuses(client.send(*[get("known01")] * 20)) == [302] * 20
    node.engine.tick()
    node.resolve()
    assert (len(node.asked), node.page["cache_stale_hits"]) == (before + 1, 0)


def test_a_refresh_that_could_wait_goes_at_once_when_somebody_waits_for_it(node: Node) -> None:
    client = node.connect(resolves=False)
    client.send(get("known01"))
    node.resolve()
    resume(client)
    node.clock.advance(LIFETIME_SECONDS * 0.89)
    assert statuses(client.send(get("known01"))) == [302]
    node.clock.advance(LIFETIME_SECONDS)
    assert client.send(get("known01")) == b""
    assert list(node.engine.take_misses()) == [KNOWN]
    node.engine.tick()
    assert list(node.engine.take_misses()) == []


def test_a_link_known_to_be_disabled_is_never_served_stale(node: Node) -> None:
    node.add(make_link("off0001", enabled=False))
    client = node.connect()
    assert statuses(client.send(get("off0001"))) == [404]
    node.is_reachable = False
    node.clock.advance(LIFETIME_SECONDS * 2)
    assert statuses(client.send(get("off0001"))) == [503]


def test_a_connection_that_is_gone_leaves_nothing_behind(node: Node) -> None:
    client = node.connect(resolves=False)
    client.send(get("known01") * 5)
    client.connection.lost()
    node.resolve()
    assert client.connection.pending == 0
    assert node.clicks() == []


def test_an_answer_that_nobody_asked_for_is_kept(node: Node) -> None:
    node.answer({KNOWN: node.links[KNOWN]})
    assert statuses(node.connect(resolves=False).send(get("known01"))) == [302]


def test_the_gauges_say_how_much_is_known(node: Node) -> None:
    node.connect().send(get("known01") + get("nowhere"))
    node.connect(resolves=False).send(get("pending"))
    node.engine.tick()
    gauges = {name: node.page[name] for name in ("cached_links", "absent_codes", "misses_in_flight")}
    assert gauges == {"cached_links": 1, "absent_codes": 1, "misses_in_flight": 1}
    assert 100 < node.page["cached_bytes"] < 10_000


def test_a_link_that_can_not_be_read_costs_those_who_ask_for_it_and_no_others(node: Node) -> None:
    odd = [
        make_link("status1", status=70_000),
        make_link("status2", status=-1),
        make_link("target1", target="https://e.com/\udc80"),
        make_link("control", cache_control="\udc80"),
    ]
    node.add(make_link("good001"), *odd, make_link("good002"))
    codes = ["good001", *(link.code for link in odd), "good002"]
    client = node.connect()
    assert statuses(client.send(b"".join(get(code) for code in codes))) == [302, 500, 500, 500, 500, 302]
    assert statuses(node.connect().send(get("status1"))) == [500]


def test_a_head_that_was_begun_before_a_turn_ended_is_gone_on_with(node: Node) -> None:
    node.add(make_link("long001", target="https://e.com/" + "p" * 7_000))
    client = node.connect(resolves=False)
    for code in ("known01", "long001"):
        client.send(get(code))
        node.resolve()
        client.step(client.connection.resume)
    client.send(get("missing") + get("long001") * 100 + get("known01")[:-2])
    node.resolve()
    received = client.connection.resume()  # the turn ends in the middle of what is owed
    received += client.feed(get("known01")[-2:])
    while client.connection.attention & Attention.RESUME:
        received += client.connection.resume()
    received += client.feed(get("known01", method="HEAD"))
    assert statuses(received) == [404] + [302] * 102


def test_a_copy_is_fresh_no_longer_than_its_lifetime_though_no_store_answers(node: Node) -> None:
    client = node.connect()
    client.send(get("known01"))
    node.clock.advance(LIFETIME_SECONDS * REFRESH_AT * 0.9)
    node.is_reachable = False
    client = node.connect(resolves=False)
    for _ in range(400):
        node.answer({KNOWN: None})
        node.clock.advance(0.0625)
        if not client.send(get("known01")):
            break
    assert client.connection.pending
    assert node.page["cache_stale_hits"] == 0


def test_replies_behind_a_miss_share_what_they_have_in_common(node: Node) -> None:
    node.add(make_link("long001", target="https://e.com/" + "p" * 7_900))
    node.connect().send(get("long001"))
    before = resident_bytes()
    waiting = [node.connect(resolves=False) for _ in range(20)]
    for client in waiting:
        client.send(get("missing") + get("long001") * (MAX_PENDING_REPLIES - 1))
        assert client.connection.pending == MAX_PENDING_REPLIES
    assert resident_bytes() - before < 6 << 20  # a copy each: 20 MB
