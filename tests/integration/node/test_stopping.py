"""Whatever ends a node, a visitor who was connected gets an answer, and nothing lives on."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance.node import Node, wait_until
from tests.integration.node.http import connect, is_closed, read_reply, request, visit

DRAIN_SECONDS = 3


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node with one worker."""
    environ = {"EDGE302_DRAIN_SECONDS": str(DRAIN_SECONDS)}
    with Node(tmp_path / "data", "--workers", "1", env=environ) as node:
        yield node


def test_a_request_under_way_is_answered_before_the_node_exits(node: Node) -> None:
    code = node.shorten("https://example.com/under-way")
    with connect(node.edge_port) as client:
        head = request(f"/{code}")
        client.sendall(head[:20])
        wait_until(lambda: visit(node.edge_port, "/healthz").status == 200, 5.0)  # so the first bytes have arrived
        node.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(node.edge_port), 5.0)
        client.sendall(head[20:])
        reply = read_reply(client)
        assert reply.status == 302
        assert reply.header("Connection") == "close"
        assert is_closed(client)
    assert node.process.wait(10) == 0


def test_unix_sockets_are_gone_with_their_node(tmp_path: Path) -> None:
    path = tmp_path / "edge.sock.0"
    with Node(tmp_path / "data", "--workers", "1", "--uds", str(tmp_path / "edge.sock")) as node:
        assert path.is_socket()
        assert node.stop() == 0
    assert not path.exists()


def test_idle_connections_do_not_hold_the_node_up(node: Node) -> None:
    with connect(node.edge_port) as client:
        client.sendall(request("/healthz"))
        assert read_reply(client).status == 200
        node.process.send_signal(signal.SIGTERM)
        assert is_closed(client)
    assert node.process.wait(DRAIN_SECONDS) == 0


def test_a_client_that_never_finishes_is_cut_at_the_deadline(node: Node) -> None:
    with connect(node.edge_port) as client:
        client.sendall(b"GET /unfinished")
        wait_until(lambda: visit(node.edge_port, "/healthz").status == 200, 5.0)
        node.process.send_signal(signal.SIGTERM)
        assert node.process.wait(DRAIN_SECONDS + 5) == 0


def test_a_second_signal_does_not_wait_for_the_deadline(node: Node) -> None:
    with connect(node.edge_port) as client:
        client.sendall(b"GET /unfinished")
        wait_until(lambda: visit(node.edge_port, "/healthz").status == 200, 5.0)
        node.process.send_signal(signal.SIGINT)
        wait_until(lambda: refuses(node.edge_port), 5.0)
        node.process.send_signal(signal.SIGINT)
        assert node.process.wait(DRAIN_SECONDS) == 0


def test_connections_in_the_listen_queue_are_answered(node: Node) -> None:
    (worker,) = node.pids("gateway")
    os.kill(worker, signal.SIGSTOP)
    with ExitStack() as held:
        clients = [held.enter_context(connect(node.edge_port)) for _ in range(20)]
        for client in clients:
            client.sendall(request("/healthz"))
        node.process.send_signal(signal.SIGTERM)
        wait_until(lambda: has_pending(worker, signal.SIGTERM), 5.0)
        os.kill(worker, signal.SIGCONT)
        assert [read_reply(client).status for client in clients] == [200] * len(clients)
    assert node.process.wait(10) == 0


def test_clicks_of_the_last_moment_are_counted_before_the_node_exits(node: Node) -> None:
    code = node.shorten("https://example.com/last")
    for _ in range(50):
        assert visit(node.edge_port, f"/{code}").status == 302
    assert node.stop() == 0
    with node:
        assert node.total(code) == 50


def test_children_of_a_killed_supervisor_drain_and_exit(node: Node) -> None:
    children = [pid for module in ("gateway", "clicks", "control_api") for pid in node.pids(module)]
    assert len(children) == 3
    with connect(node.edge_port) as client:
        client.sendall(request("/healthz")[:20])
        wait_until(lambda: visit(node.edge_port, "/healthz").status == 200, 5.0)
        node.process.kill()
        node.process.wait()
        wait_until(lambda: refuses(node.edge_port), 5.0)
        client.sendall(request("/healthz")[20:])
        assert read_reply(client).status == 200
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), 10.0)
    with node:
        assert node.stop() == 0


def test_a_worker_that_is_told_to_stop_drains_and_is_replaced(node: Node) -> None:
    (worker,) = node.pids("gateway")
    os.kill(worker, signal.SIGTERM)
    wait_until(lambda: node.pids("gateway") not in ([], [worker]), 5.0)
    assert visit(node.edge_port, "/healthz").status == 200
    assert node.stop() == 0


def refuses(port: int) -> bool:
    """Whether nobody listens on the edge's port any more."""
    try:
        connect(port).close()
    except ConnectionRefusedError:
        return True
    return False


def has_pending(pid: int, number: signal.Signals) -> bool:
    """Whether a signal waits for a stopped process."""
    status = Path(f"/proc/{pid}/status").read_text()
    pending = next(line.split()[1] for line in status.splitlines() if line.startswith("ShdPnd:"))
    return bool(int(pending, 16) & (1 << (number - 1)))
