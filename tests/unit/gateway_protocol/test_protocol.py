"""The protocol without sockets: what it writes, when it reads, and how it ends."""

import gc
import logging
import weakref

import pytest

from gateway.engines.contract import MAX_PENDING_REPLIES, REQUESTS_A_TURN
from gateway.protocol import (
    DRAIN_FIRST_BYTE_SECONDS,
    FIRST_BYTE_SECONDS,
    HEAD_SECONDS,
    IDLE_SECONDS,
    LINGER_BYTES,
    LINGER_SECONDS,
    OUTPUT_SECONDS,
)
from tests.engine_contract.parts import get, make_link
from tests.unit.gateway_protocol.conftest import MakeBench
from tests.unit.gateway_protocol.parts import Bench

GOOD = get("known01")
BAD = b"\r\n"


def test_one_write_a_read(bench: Bench) -> None:
    peer = bench.connect()
    peer.send(GOOD)
    peer.send(GOOD * 50)
    assert peer.statuses == [302] * 51
    assert peer.transport.writes == 2


def test_the_resolver_is_called_for_misses_alone(bench: Bench) -> None:
    peer = bench.connect()
    peer.send(GOOD)
    assert bench.wanted == 1
    peer.send(GOOD, GOOD * 20)
    assert bench.wanted == 1


def test_replies_that_became_ready_are_written_at_once(bench: Bench) -> None:
    peer = bench.connect()
    peer.send(GOOD * 3, resolve=False)
    assert peer.transport.sent == b""
    bench.node.resolve()
    assert peer.statuses == [302] * 3
    assert peer.transport.writes == 1


def test_a_long_read_takes_several_turns_and_reading_rests_meanwhile(bench: Bench) -> None:
    peer = bench.connect()
    peer.send(GOOD)
    protocol = peer.transport.get_protocol()
    protocol.data_received(GOOD * (REQUESTS_A_TURN * 2 + 1))  # type: ignore[attr-defined]
    assert peer.reading_rests()
    assert len(peer.statuses) == REQUESTS_A_TURN + 1
    peer.rest()
    assert not peer.reading_rests()
    assert len(peer.statuses) == REQUESTS_A_TURN * 2 + 2


def test_too_many_pending_replies_stop_reading(bench: Bench) -> None:
    peer = bench.connect()
    peer.send(GOOD * (MAX_PENDING_REPLIES + 3), resolve=False)
    assert peer.reading_rests()
    bench.node.resolve()
    peer.rest()
    assert not peer.reading_rests()
    assert len(peer.statuses) == MAX_PENDING_REPLIES + 3


def test_a_client_that_takes_nothing_is_read_no_further(bench: Bench) -> None:
    bench.node.add(make_link("long001", target="https://example.com/" + "p" * 7_900))
    peer = bench.connect()
    peer.transport.is_taking = False
    peer.send(get("long001") * 30)
    assert peer.reading_rests()
    held_back = len(peer.statuses)
    assert held_back < 12
    peer.rest()
    assert len(peer.statuses) == held_back
    peer.transport.take()
    peer.rest()
    assert peer.statuses == [302] * 30
    assert not peer.reading_rests()


def test_what_becomes_ready_for_a_client_that_takes_nothing_waits(bench: Bench) -> None:
    bench.node.add(make_link("long001", target="https://example.com/" + "p" * 7_900))
    peer = bench.connect()
    peer.transport.is_taking = False
    peer.send(get("long001") * 9 + GOOD, resolve=True)
    sent = len(peer.statuses)
    bench.node.resolve()
    assert len(peer.statuses) == sent
    peer.transport.take()
    peer.rest()
    assert peer.statuses == [302] * 10


def test_after_a_closing_reply_the_rest_is_read_and_forgotten(bench: Bench) -> None:
    peer = bench.connect()
    peer.send(GOOD + BAD + GOOD)
    assert peer.statuses == [302, 400]
    assert peer.transport.has_ended
    peer.send(GOOD, b"x" * 10_000)
    assert peer.statuses == [302, 400]
    assert peer.ended() is None
    bench.pass_time(LINGER_SECONDS)
    assert peer.ended() == "closed"
    assert not bench.edge.idle
    peer.lose()
    assert bench.edge.idle


def test_a_client_that_does_not_stop_is_closed_sooner(bench: Bench) -> None:
    peer = bench.connect()
    peer.send(BAD)
    peer.send(*[b"x" * 65_536] * (LINGER_BYTES // 65_536))
    assert peer.ended() is None
    peer.send(b"x")
    assert peer.ended() == "closed"


def test_a_last_reply_that_nobody_takes_is_given_up(bench: Bench) -> None:
    peer = bench.connect()
    peer.transport.is_taking = False
    peer.send(BAD)
    bench.pass_time(OUTPUT_SECONDS)
    assert peer.ended() == "closed"
    bench.pass_time(1)
    assert peer.ended() == "aborted"


def test_a_half_closed_client_gets_all_answers_then_the_end(bench: Bench) -> None:
    peer = bench.connect()
    peer.send(GOOD * 2, resolve=False)
    peer.half_close()
    assert peer.ended() is None
    bench.node.resolve()
    assert peer.statuses == [302, 302]
    assert peer.ended() == "closed"
    assert not peer.transport.has_ended


def test_a_half_closed_client_that_is_owed_nothing(bench: Bench) -> None:
    peer = bench.connect()
    peer.half_close()
    assert (peer.ended(), peer.transport.sent) == ("closed", b"")


def test_without_a_first_byte_the_end_is_silent(bench: Bench) -> None:
    peer = bench.connect()
    bench.pass_time(FIRST_BYTE_SECONDS - 1)
    assert peer.ended() is None
    bench.pass_time(1)
    assert (peer.ended(), peer.transport.sent) == ("closed", b"")
    bench.pass_time(5)
    assert bench.node.page["connections_timed_out"] == 1


def test_a_head_has_five_seconds_however_it_trickles(bench: Bench) -> None:
    peer = bench.connect()
    bench.pass_time(FIRST_BYTE_SECONDS - 1)
    for at in range(int(HEAD_SECONDS)):
        peer.send(GOOD[at : at + 1])
        assert peer.transport.sent == b""
        bench.pass_time(1)
    assert peer.statuses == [408]
    assert peer.transport.has_ended
    assert bench.node.page["connections_timed_out"] == 1


def test_each_head_has_its_own_five_seconds(bench: Bench) -> None:
    peer = bench.connect()
    for _ in range(4):
        peer.send(GOOD[:10])
        bench.pass_time(HEAD_SECONDS - 1)
        peer.send(GOOD[10:] + GOOD[:5])
        bench.pass_time(HEAD_SECONDS - 1)
        peer.send(GOOD[5:])
    assert peer.statuses == [302] * 8


def test_an_idle_connection_is_closed_after_a_while(bench: Bench) -> None:
    peer = bench.connect()
    for _ in range(3):
        peer.send(GOOD)
        bench.pass_time(IDLE_SECONDS - 2)
    ended = [peer.transport.has_ended]
    bench.pass_time(3)
    assert [*ended, peer.transport.has_ended] == [False, True]
    assert peer.statuses == [302] * 3


def test_deadlines_rest_while_the_client_waits_for_us(bench: Bench) -> None:
    peer = bench.connect()
    peer.send(GOOD + b"GET /", resolve=False)
    bench.pass_time(HEAD_SECONDS * 3)
    assert peer.transport.sent == b""
    bench.node.resolve()
    bench.pass_time(HEAD_SECONDS - 1)
    assert peer.statuses == [302]
    bench.pass_time(1)
    assert peer.statuses == [302, 408]


def test_output_that_is_not_taken_aborts(bench: Bench) -> None:
    peer = bench.connect()
    peer.transport.is_taking = False
    peer.send(GOOD)
    bench.pass_time(OUTPUT_SECONDS)
    assert peer.ended() is None
    bench.pass_time(1)
    assert peer.ended() == "aborted"
    assert bench.node.page["connections_aborted"] == 1


def test_output_that_is_taken_bit_by_bit_does_not(bench: Bench) -> None:
    peer = bench.connect()
    peer.transport.is_taking = False
    peer.send(GOOD)
    for _ in range(5):
        bench.pass_time(OUTPUT_SECONDS - 5)
        peer.transport.buffered -= 10
    assert peer.ended() is None


def test_connections_are_limited_in_all(make_bench: MakeBench) -> None:
    bench = make_bench(max_connections=2)
    peers = [bench.connect(f"192.0.2.{number}") for number in range(3)]
    assert [peer.ended() for peer in peers] == [None, None, "aborted"]
    peers[2].lose()
    peers[0].lose()
    assert bench.connect().ended() is None
    assert (bench.node.page["connections_accepted"], bench.node.page["connections_refused"]) == (3, 1)


def test_connections_are_limited_by_client_but_not_by_trusted_proxy(make_bench: MakeBench) -> None:
    bench = make_bench(max_connections_per_client=2, trusted_proxies=("10.0.0.0/8",))
    ends = {peer: [bench.connect(peer).ended() for _ in range(4)] for peer in ("192.0.2.1", "10.0.0.1", None)}
    assert ends == {"192.0.2.1": [None, None, "aborted", "aborted"], "10.0.0.1": [None] * 4, None: [None] * 4}


def test_lingering_connections_count_for_the_limit(make_bench: MakeBench) -> None:
    bench = make_bench(max_connections_per_client=1)
    peer = bench.connect()
    peer.send(BAD)
    assert bench.connect().ended() == "aborted"
    peer.lose()
    assert bench.connect().ended() is None


def test_draining_closes_idle_connections_and_the_others_with_their_next_reply(bench: Bench) -> None:
    idle, fresh, partial, waiting = (bench.connect() for _ in range(4))
    idle.send(GOOD)
    partial.send(GOOD[:10])
    waiting.send(get("nowhere"), resolve=False)
    bench.edge.drain()
    assert idle.transport.has_ended
    partial.send(GOOD[10:], resolve=False)
    fresh.send(GOOD, resolve=False)
    bench.node.resolve()
    for peer in (fresh, partial, waiting):
        assert [reply.says_close for reply in peer.replies] == [True]
        assert peer.transport.has_ended
    for peer in (idle, fresh, partial, waiting):
        peer.lose()
    assert bench.edge.idle


def test_draining_waits_only_a_moment_for_a_first_byte(bench: Bench) -> None:
    peer = bench.connect()
    bench.edge.drain()
    assert peer.ended() is None
    bench.pass_time(DRAIN_FIRST_BYTE_SECONDS)
    assert peer.ended() == "closed"


def test_a_fault_of_ours_costs_one_connection(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    broken, whole = bench.connect(), bench.connect()
    whole.send(GOOD)
    bench.node.clock.is_broken = True
    with caplog.at_level(logging.ERROR):
        broken.send(get("other01"), resolve=False)
    bench.node.clock.is_broken = False
    assert broken.ended() == "aborted"
    assert bench.node.page["engine_errors"] == 1
    assert "fault in the engine" in caplog.text
    broken.lose()
    whole.send(GOOD)
    assert whole.statuses == [302, 302]


def test_a_connection_that_is_gone_is_freed_without_the_collector(bench: Bench) -> None:
    gc.collect()
    gc.disable()
    try:
        freed = []
        for end in (b"", BAD):
            peer = bench.connect()
            peer.send(GOOD)
            freed.append(weakref.ref(peer.transport.get_protocol()))
            if end:
                peer.send(end)
                freed.append(weakref.ref(peer.transport.get_protocol()))
            peer.lose()
            del peer
        assert [reference() for reference in freed] == [None] * 3
    finally:
        gc.enable()


def test_the_gauge_of_connections(bench: Bench) -> None:
    peers = [bench.connect() for _ in range(3)]
    peers[0].lose()
    bench.edge.tick()
    assert bench.node.page["connections"] == 2
