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


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the node's workers listen on unix sockets."""
    return tmp_path_factory.mktemp("sockets") / "edge.sock"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, sockets: Path) -> Iterator[Node]:
    """A node with two workers. Every test leaves it whole."""
    with Node(tmp_path_factory.mktemp("node") / "data", "--workers", "2", "--uds", str(sockets)) as node:
        yield node
        assert node.stop() == 0


def test_a_killed_worker_is_replaced_and_its_counters_go_on(node: Node) -> None:
    def healthy_replies() -> float:
        return value(node.output, "edge302_requests_total", route="fixed", status="200")

    before = healthy_replies()
    for _ in range(20):
        assert visit(node.edge_port, "/healthz").status == 200
    assert healthy_replies() == before + 20
    workers = node.pids("gateway")
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    await_replacement(node, workers)
    assert visit(node.edge_port, "/healthz").status == 200
    assert healthy_replies() == before + 21
    assert value(node.output, "edge302_restarts_total", role="gateway") == 2


def test_connections_wait_for_the_replacement_of_a_killed_worker(node: Node) -> None:
    workers = node.pids("gateway")
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    assert [visit(node.edge_port, "/healthz").status for _ in range(4)] == [200] * 4
    await_replacement(node, workers)


def test_a_frozen_worker_is_replaced(node: Node) -> None:
    frozen, other = node.pids("gateway")
    os.kill(frozen, signal.SIGSTOP)
    await_replacement(node, [frozen])
    assert other in node.pids("gateway")
    assert "gives no sign of life" in node._log.read_text()


def test_the_shipper_and_the_control_plane_are_replaced_while_redirects_go_on(node: Node) -> None:
    code = node.shorten("https://example.com/go-on")
    for module in ("clicks", "control_api"):
        for process in node.pids(module):
            os.kill(process, signal.SIGKILL)
    assert visit(node.edge_port, f"/{code}").status == 302
    wait_until(lambda: answers_ready(node.api_port), REPLACED_SECONDS)
    wait_until(lambda: node.total(code) == 1, REPLACED_SECONDS)


def test_each_worker_answers_on_its_own_unix_socket_and_hears_of_changes(node: Node, sockets: Path) -> None:
    def statuses() -> list[int]:
        found = []
        for slot in range(2):
            with connect_unix(sockets.with_name(f"{sockets.name}.{slot}")) as client:
                client.sendall(request("/fresh"))
                found.append(read_reply(client).status)
        return found

    assert statuses() == [404, 404]
    node.shorten("https://example.com/fresh", alias="fresh")
    wait_until(lambda: statuses() == [302, 302], 1.0)
    assert node.api("PATCH", "/api/links/fresh", {"enabled": False})[0] == 200
    wait_until(lambda: statuses() == [404, 404], 1.0)


def test_metrics_tell_of_all_processes_together(node: Node) -> None:
    before = scrape(node.output)
    code = node.shorten("https://example.com/metrics")
    assert visit(node.edge_port, f"/{code}").status == 302
    wait_until(lambda: node.total(code) == 1, 2.0)
    after = scrape(node.output)

    def grown(name: str, **labels: str) -> float:
        series = name, frozenset(labels.items())
        return after[series] - before.get(series, 0.0)

    def latency_is_told() -> bool:  # with the next tick, and with those of requests just before
        after.update(scrape(node.output))
        return grown("edge302_request_seconds_count", tier="store") >= 1

    wait_until(latency_is_told, 3.0)
    assert grown("edge302_requests_total", route="redirect", status="302") == 1
    assert grown("edge302_lookups_total", tier="store", result="hit") == 1
    assert grown("edge302_clicks_spooled_total") == 1
    assert grown("edge302_clicks_stored_total", **{"class": "human"}) >= 1  # earlier clicks may come along
    assert after["edge302_processes", frozenset({("role", "gateway")})] == 2
    assert after["edge302_spool_bytes", frozenset()] > 0
    names = {name for name, _ in after}
    assert {"edge302_api_requests_total", "edge302_api_request_seconds_count", "edge302_build_info"} <= names


@pytest.mark.parametrize(
    ("flag", "setting"),
    [("--port", "EDGE302_PORT"), ("--api-port", "EDGE302_API_PORT"), ("--metrics-port", "EDGE302_METRICS_PORT")],
)
def test_a_taken_port_is_named_with_its_setting(flag: str, setting: str, node: Node, tmp_path: Path) -> None:
    ports = {
        "--port": node.edge_port,
        "--api-port": node.api_port,
        "--metrics-port": metrics_port(node.output),
    }
    code, complaint = run_role("up", tmp_path / "data", "--port", "0", flag, str(ports[flag]))
    assert code == 3
    assert str(ports[flag]) in complaint
    assert setting in complaint
    assert len(complaint.splitlines()) == 1


def test_an_address_of_another_machine_is_a_bad_setting(tmp_path: Path) -> None:
    code, complaint = run_role("up", tmp_path / "data", "--host", "192.0.2.1")
    assert code == 2
    assert "EDGE302_HOST" in complaint


def test_a_node_whose_store_is_damaged_says_so_and_gives_up(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "links.db").write_bytes(b"not a database, but long enough to look like one" * 100)
    code, complaint = run_role("api", data)
    assert code == 1
    assert "links.db" in complaint
    assert "failed 3 times in a row" in complaint.splitlines()[-1]


def await_replacement(node: Node, victims: list[int]) -> None:
    """Wait until the gateway has its two workers again, none of them a victim."""
    wait_until(lambda: len({*node.pids("gateway")} - {*victims}) == 2, REPLACED_SECONDS)


def answers_ready(api_port: int) -> bool:
    """Whether the control plane is ready."""
    try:
        return visit(api_port, "/health/ready").status == 200
    except (ConnectionError, EOFError):
        return False


def run_role(role: str, data: Path, *flags: str) -> tuple[int, str]:
    """`edge302` with a role that is expected to fail: its exit code, and what it printed to stderr."""
    command = [sys.executable, "-m", "edge302", role, "--data", str(data), "--api-port", "0", "--metrics-port", "0"]
    done = subprocess.run([*command, *flags], capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stderr.strip()
