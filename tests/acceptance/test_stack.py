"""The whole stack on real servers: three edge and two control machines behind nginx, as `make stack` runs it."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from devstack import stack as stacks
from devstack.role import Role
from devstack.stack import Stack, stack
from tests.acceptance.node import wait_until
from tests.integration.node.http import visit
from tests.servers import require

TARGET = "https://example.com/"
VISITS = 30


@pytest.mark.slow
def test_a_link_made_through_nginx_is_answered_and_counted_by_every_machine_and_all_stop_in_order(
    server_folder: Path,
) -> None:
    require(not stacks.missing(), ", ".join(stacks.missing()))
    with stack(server_folder / "stack") as running:
        code = ask(running, "POST", "/api/shorten", {"url": TARGET})["code"]
        assert [follow(running.port, code) for _ in range(VISITS)] == [(302, TARGET)] * VISITS
        assert [follow(gateway.port, code) for gateway in running.gateways] == [(302, TARGET)] * 3

        visits = VISITS + len(running.gateways)
        wait_until(lambda: ask(running, "GET", f"/api/stats/{code}")["total"] == visits, 20)
        wait_until(lambda: sum(map(counted, running.shippers)) == visits, 20)
        assert all(counted(shipper) > 1 for shipper in running.shippers)  # nginx sent some to each

        edited = "https://example.com/edited"
        ask(running, "PATCH", f"/api/links/{code}", {"url": edited})
        for gateway in running.gateways:
            wait_until(lambda port=gateway.port: follow(port, code) == (302, edited), 5)  # type: ignore[misc]
    assert [role.stop() for role in running.roles] == [0] * len(running.roles)


def ask(running: Stack, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 (decoded JSON)
    """One request to the API through nginx, by whichever control plane; the decoded reply."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{running.port}{path}",
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={"Authorization": f"Bearer {running.key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


def follow(port: int, code: str) -> tuple[int, str | None]:
    """Status and Location of one visit."""
    reply = visit(port, f"/{code}")
    return reply.status, reply.header("Location")


def counted(shipper: Role) -> int:
    """Human clicks that this shipper has counted, as its metrics tell."""
    with urllib.request.urlopen(f"http://127.0.0.1:{shipper.metrics_port}/metrics", timeout=10) as reply:
        lines = reply.read().decode().splitlines()
    (line,) = (line for line in lines if line.startswith('edge302_clicks_stored_total{class="human"}'))
    return round(float(line.split()[1]))
