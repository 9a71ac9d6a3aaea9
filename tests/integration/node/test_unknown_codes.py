"""Visits to codes that no link has are told by the control plane, from all workers, and over a restart."""

from pathlib import Path
from typing import Any

from tests.acceptance.node import Node, wait_until
from tests.integration.node.http import visit

SOON_SECONDS = 20.0


def visit_unknown(node: Node, code: str) -> None:
    """Until the edge reaches its store, it doesn't know what is unknown."""
    wait_until(lambda: visit(node.edge_port, f"/{code}").status == 404, SOON_SECONDS)


def orphans(node: Node) -> dict[str, int]:
    status, told = node.api("GET", "/api/stats/orphans")
    if status == 503:  # the shipper has not made its file yet
        return {}
    assert status == 200, told
    found: list[dict[str, Any]] = told["orphans"]
    return {one["code"]: one["clicks"] for one in found}


def test_visits_of_all_workers_are_told_within_seconds(tmp_path: Path) -> None:
    with Node(tmp_path / "data", "--workers", "2") as node:
        for code in ("lost001", "lost001", "lost001", "typ0"):
            visit_unknown(node, code)
        wait_until(lambda: orphans(node) == {"lost001": 3, "typ0": 1}, SOON_SECONDS)
        visit_unknown(node, "typ0")
        assert node.stop() == 0
    with Node(tmp_path / "data", "--workers", "1") as node:
        wait_until(lambda: orphans(node) == {"lost001": 3, "typ0": 2}, SOON_SECONDS)
