"""One node of two workers behind nginx, for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.nginx import installed
from devstack.services import in_ci
from tests.acceptance.node import Node
from tests.integration.nginx.front import Front, front

UNKNOWN_PER_MINUTE = 20


@pytest.fixture(scope="session", autouse=True)
def _nginx_is_there() -> None:
    if not installed() and not in_ci():
        pytest.skip("nginx is not installed: make services")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the node and nginx live."""
    return tmp_path_factory.mktemp("nginx")


@pytest.fixture(scope="session")
def node(folder: Path) -> Iterator[Node]:
    """`edge302 up` with two workers on unix sockets."""
    environ = {"EDGE302_UNKNOWN_PER_MINUTE": str(UNKNOWN_PER_MINUTE)}
    with Node(folder / "data", "--workers", "2", "--uds", str(folder / "edge.sock"), env=environ) as node:
        yield node


@pytest.fixture(scope="session")
def site(folder: Path, node: Node) -> Iterator[Front]:
    """nginx in front of it. Its own machine may administer it from 127.0.0.1 alone."""
    with front(folder / "site", **upstreams(folder, node), NGINX_ADMIN_ALLOW="127.0.0.1") as site:
        yield site


def upstreams(folder: Path, node: Node) -> dict[str, str]:
    """The variables that name the node's sockets."""
    gateways = f"unix:{folder}/edge.sock.0,unix:{folder}/edge.sock.1"
    return {"NGINX_GATEWAYS": gateways, "NGINX_CONTROLS": f"127.0.0.1:{node.api_port}"}
