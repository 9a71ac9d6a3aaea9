"""A node of real processes: what dies or freezes is replaced, and nothing is shared by accident."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.node import Node, wait_until
from tests.integration.node.http import connect_unix, read_reply, request, visit
from tests.integration.node.scrape import metrics_port, scrape, value

REPLACED_SECONDS = 10.0


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node with two workers, each with a unix socket of its own."""
    with Node(tmp_path / "data", "--workers", "2", "--uds", str(tmp_path / "edge.sock")) as node:
        yield node


def test_a_killed_worker_is_replaced_and_its_counters_go_on(node: Node) -> None:
    for _ in range(20):
        assert visit(node.edge_port, "/healthz").status == 200
    assert value(node.output, "edge302_requests_total", route="fixed", status="200") == 20
    victims = node.pids("gateway")
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len({*node.pids("gateway")} - {*victims}) == 2, REPLACED_SECONDS)
    assert visit(node.edge_port, "/healthz").status == 200
    assert value(node.output, "edge302_requests_total", route="fixed", status="200") == 21
    assert value(node.output, "edge302_restarts_total", role="gateway") == 2
    assert node.stop() == 0


def test_connections_wait_for_the_replacement_of_a_killed_worker(node: Node) -> None:
    for worker in node.pids("gateway"):
        os.kill(worker, signal.SIGKILL)
    assert [visit(node.edge_port, "/healthz").status for _ in range(4)] == [200] * 4


def test_a_frozen_worker_is_replaced(node: Node) -> None:
    frozen, other = node.pids("gateway")
    os.kill(frozen, signal.SIGSTOP)
    wait_until(lambda: frozen not in node.pids("gateway") and len(node.pids("gateway")) == 2, REPLACED_SECONDS)
    assert other in node.pids("gateway")
    assert "gives no sign of life" in node._log.read_text()


def test_a_killed_shipper_and_control_plane_are_replaced_while_redirects_go_on(node: Node) -> None:
    code = node.shorten("https://example.com/go-on")
    victims = node.pids("clicks") + node.pids("control_api")
    assert len(victims) == 2
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    assert visit(node.edge_port, f"/{code}").status == 302
    wait_until(lambda: len({*node.pids("clicks"), *node.pids("control_api")} - {*victims}) == 2, REPLACED_SECONDS)
    wait_until(lambda: visit(node.api_port, "/health/ready").status == 200, REPLACED_SECONDS)
    wait_until(lambda: node.total(code) == 1, REPLACED_SECONDS)


def test_each_worker_answers_on_its_own_unix_socket_and_hears_of_changes(node: Node, tmp_path: Path) -> None:
    sockets = [tmp_path / "edge.sock.0", tmp_path / "edge.sock.1"]

    def statuses() -> list[int]:
        found = []
        for path in sockets:
            with connect_unix(path) as client:
                client.sendall(request("/fresh"))
                found.append(read_reply(client).status)
        return found

    assert statuses() == [404, 404]
    node.shorten("https://example.com/fresh", alias="fresh")
    wait_until(lambda: statuses() == [302, 302], 1.0)
    assert node.api("PATCH", "/api/links/fresh", {"enabled": False})[0] == 200
    wait_until(lambda: statuses() == [404, 404], 1.0)
    assert node.stop() == 0
    assert not any(path.exists() for path in sockets)


def test_metrics_tell_of_all_processes_together(node: Node) -> None:
    code = node.shorten("https://example.com/metrics")
    assert visit(node.edge_port, f"/{code}").status == 302
    wait_until(lambda: node.total(code) == 1, 2.0)
    samples = scrape(node.output)

    def found(name: str, **labels: str) -> float:
        return samples[name, frozenset(labels.items())]

    assert found("edge302_processes", role="gateway") == 2
    assert found("edge302_processes", role="api") == 1
    assert found("edge302_requests_total", route="redirect", status="302") == 1
    assert found("edge302_request_seconds_count", tier="store") == 1
    assert found("edge302_lookups_total", tier="store", result="hit") == 1
    assert found("edge302_clicks_spooled_total") == 1
    assert found("edge302_clicks_stored_total", **{"class": "human"}) == 1
    assert found("edge302_spool_bytes") > 0
    api = {name for name, _ in samples if name.startswith("edge302_api_")}
    assert {"edge302_api_requests_total", "edge302_api_request_seconds_count"} <= api


@pytest.mark.parametrize(
    ("flag", "setting"),
    [("--port", "EDGE302_PORT"), ("--api-port", "EDGE302_API_PORT"), ("--metrics-port", "EDGE302_METRICS_PORT")],
)
def test_a_taken_port_is_named_with_its_setting(flag: str, setting: str, one_node: Node, tmp_path: Path) -> None:
    ports = {
        "--port": one_node.edge_port,
        "--api-port": one_node.api_port,
        "--metrics-port": metrics_port(one_node.output),
    }
    code, complaint = run_up(tmp_path / "data", flag, str(ports[flag]))
    assert code == 3
    assert str(ports[flag]) in complaint
    assert setting in complaint
    assert len(complaint.splitlines()) == 1


def test_an_address_of_another_machine_is_a_bad_setting(tmp_path: Path) -> None:
    code, complaint = run_up(tmp_path / "data", "--host", "192.0.2.1")
    assert code == 2
    assert "EDGE302_HOST" in complaint


def test_a_node_whose_store_is_damaged_says_so_and_gives_up(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "links.db").write_bytes(b"not a database, but long enough to look like one" * 100)
    code, complaint = run_up(data)
    assert code == 1
    assert "links.db" in complaint
    assert "failed 3 times in a row" in complaint.splitlines()[-1]


@pytest.fixture(scope="module")
def one_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node that tests only look at."""
    with Node(tmp_path_factory.mktemp("one") / "data", "--workers", "1") as node:
        yield node


def run_up(data: Path, *flags: str) -> tuple[int, str]:
    """`edge302 up` that is expected to fail: its exit code, and what it printed to stderr."""
    command = [sys.executable, "-m", "edge302", "up", "--data", str(data), "--workers", "1"]
    command += ["--port", "0", "--api-port", "0", "--metrics-port", "0", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stderr.strip()
