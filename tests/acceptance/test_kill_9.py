"""Nothing that was answered is lost when processes are killed without warning."""

import asyncio
import os
import random
import signal
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.acceptance.load import Tally, visit_until_cut
from tests.acceptance.node import Node, wait_until

TARGET = "https://example.com/kill-9"
NODES = 4
WORKER_KILLS = 5  # of each node: after more, the supervisor's backoff would be most of the test
NODE_KILLS = 5


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "seed"), [*(("rust", seed) for seed in range(NODES)), ("python", NODES)])
def test_kill_9_of_a_worker_under_load_loses_no_click_that_was_answered(tmp_path: Path, engine: str, seed: int) -> None:
    moments = random.Random(seed)
    with Node(tmp_path / "data", "--workers", "1", "--engine", engine) as node:
        code = node.shorten(TARGET)
        seen = Tally()
        for _ in range(WORKER_KILLS):
            (worker,) = wait_for_worker(node)
            kill = partial(os.kill, worker, signal.SIGKILL)
            seen += burst(node, code, moments.uniform(0.05, 0.3), kill)
            wait_for_clicks(node, code, seen)
            assert seen.answered <= node.total(code) <= seen.answered + seen.in_flight
        assert node.stop() == 0
    assert not seen.wrong
    assert seen.answered > WORKER_KILLS * 20
    assert seen.in_flight > 0


@pytest.mark.slow
def test_kill_9_of_everything_loses_no_click_and_no_link(tmp_path: Path) -> None:
    moments = random.Random(909)
    seen = Tally()
    node = Node(tmp_path / "data")
    node.start()
    code = node.shorten(TARGET)
    for round_ in range(NODE_KILLS):
        codes = [node.shorten(f"{TARGET}/{round_}/{number}") for number in range(20)]
        seen += burst(node, code, moments.uniform(0.1, 0.4), node.kill_everything)
        node.start()
        for number, made in enumerate(codes):
            assert node.api("GET", f"/api/links/{made}")[1]["target"] == f"{TARGET}/{round_}/{number}"
        wait_for_clicks(node, code, seen)
    assert node.stop() == 0
    with node:
        assert seen.answered <= node.total(code) <= seen.answered + seen.in_flight
    assert not seen.wrong


def burst(node: Node, code: str, seconds: float, kill: Callable[[], None]) -> Tally:
    """Visitors for some time, then the kill; returns when all connections have broken."""

    async def run() -> Tally:
        stop = asyncio.Event()
        visitors = asyncio.create_task(visit_until_cut(node.edge_port, code, TARGET, connections=8, until=stop))
        await asyncio.sleep(seconds)
        await asyncio.to_thread(kill)
        return await asyncio.wait_for(visitors, 10)

    return asyncio.run(run())


def wait_for_clicks(node: Node, code: str, seen: Tally) -> None:
    """The stats reach what was answered."""
    wait_until(lambda: node.total(code) >= seen.answered, 5.0, lambda: f"{node.total(code)} counted, {seen}")


def wait_for_worker(node: Node) -> list[int]:
    """The worker that answers now."""
    wait_until(lambda: len(node.pids("gateway")) == 1 and answers(node.edge_port), 15.0)
    return node.pids("gateway")


def answers(port: int) -> bool:
    """True once the edge answers its health check."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return connection.recv(16).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
