"""An edge on a clock moved by hand, with each engine."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.engines import ENGINES
from shortlink.settings import Settings
from tests.engine_contract.conftest import start, stop
from tests.engine_contract.parts import Node, make_link
from tests.unit.gateway_protocol.parts import Bench

MakeBench = Callable[..., Bench]


@pytest.fixture(params=sorted(ENGINES))
def engine_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def make_bench(engine_name: str, tmp_path: Path) -> Iterator[MakeBench]:
    """Makes an edge with settings of the test's own, and one link: `known01`."""
    nodes: list[Node] = []

    def make(**settings: object) -> Bench:
        folder = tmp_path / str(len(nodes))
        folder.mkdir()
        node = start(engine_name, folder, **settings)
        node.add(make_link("known01"))
        nodes.append(node)
        return Bench(node, Settings(**settings))  # type: ignore[arg-type]

    yield make
    for node in nodes:
        stop(node)


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()
