"""The load itself, on servers that stall, answer wrongly or close: what it reports is what they did."""

import socket
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from bench import heads, openloop, wrk
from bench.openloop import Order
from bench.void import Void
from devstack.processes import free_port

REPLY = b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 4\r\n\r\nbody"
WRONG = REPLY.replace(b"302", b"503")
LONGER = REPLY.replace(b"body", b"body!").replace(b"4", b"5")
RATE = 1_000
STALL_SECONDS = 0.3


class Server(socketserver.ThreadingTCPServer):
    """Answers each read, which holds one request, with what `answer` says; notes what it read."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Callable[[int], bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.requests: list[bytes] = []
        self.turn = threading.Lock()


class Handler(socketserver.BaseRequestHandler):
    request: socket.socket
    server: Server

    def handle(self) -> None:
        while data := self.request.recv(4096):
            with self.server.turn:
                self.server.requests.append(data)
                reply = self.server.answer(len(self.server.requests))
            if not reply:
                return
            self.request.sendall(reply)


@contextmanager
def serving(answer: Callable[[int], bytes]) -> Iterator[Server]:
    with Server(answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    openloop.program()


@pytest.fixture
def order(tmp_path: Path) -> Order:
    requests = wrk.write_requests(tmp_path / "hot.requests", map(heads.plain, ["one", "two"]))
    return Order(requests=requests, rate=RATE, seconds=1, warm_up_seconds=0, reply_bytes=len(REPLY), connections=8)


def port_of(server: Server) -> int:
    return int(server.server_address[1])


def test_every_request_of_the_schedule_is_sent_each_as_often(order: Order) -> None:
    with serving(lambda _: REPLY) as server:
        load = openloop.send(port_of(server), order)
    assert (load.hits.count, load.unanswered) == (RATE, 0)
    assert Counter(server.requests) == {heads.plain("one"): RATE // 2, heads.plain("two"): RATE // 2}


def test_a_load_that_sleeps_keeps_its_schedule_and_leaves_its_core_to_others(order: Order) -> None:
    with serving(lambda _: REPLY) as server:
        load = openloop.send(port_of(server), msgspec.structs.replace(order, sleeps=True))
    assert (load.replies, load.unanswered, len(server.requests)) == (RATE, 0, RATE)
    assert load.cpu_ns < load.elapsed_ns / 2


def test_a_stall_counts_for_every_request_that_was_due_meanwhile(order: Order) -> None:
    def answer(number: int) -> bytes:
        if number == RATE // 2:
            time.sleep(STALL_SECONDS)
        return REPLY

    with serving(answer) as server:
        load = openloop.send(port_of(server), order)
    # A closed loop would tell of eight slow requests; here three of ten waited, the tenth part for 0.2 s and more.
    assert load.hits.p90_ns > 0.15e9
    assert load.hits.max_ns > 0.9e9 * STALL_SECONDS


def test_misses_are_counted_by_themselves_and_each_is_sent_once(order: Order, tmp_path: Path) -> None:
    cold = [heads.plain(f"cold-{number}") for number in range(100)]
    with serving(lambda _: REPLY) as server:
        load = openloop.send(port_of(server), order.missing(wrk.write_requests(tmp_path / "cold.requests", cold)))
    assert (load.hits.count, load.misses.count) == (900, 100)
    assert sorted(request for request in server.requests if b"cold" in request) == sorted(cold)


@pytest.mark.parametrize("last", [WRONG, LONGER, b""], ids=["status", "size", "closed"])
def test_a_single_wrong_reply_voids_the_run(order: Order, last: bytes) -> None:
    with (
        serving(lambda number: last if number == 500 else REPLY) as server,
        pytest.raises(Void),
    ):
        openloop.send(port_of(server), order)


def test_slow_heads_stand_beside_the_load_and_are_opened_anew_when_closed(order: Order) -> None:
    seen: dict[bytes, int] = {}

    def answer(_: int) -> bytes:
        read = server.requests.pop()
        seen[read] = seen.get(read, 0) + 1
        return b"" if len(read) == 1 else REPLY

    with serving(answer) as server:
        load = openloop.send(port_of(server), msgspec.structs.replace(order, slow_heads=50))
    assert load.hits.count == RATE
    assert seen[b"G"] >= 50
    assert load.slow_replaced >= 45


def test_a_server_that_is_not_there_voids_the_run(order: Order) -> None:
    with pytest.raises(Void, match="refused"):
        openloop.send(free_port(), order)
