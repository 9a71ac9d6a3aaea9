"""An edge on a clock moved by hand."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shortlink.settings import Settings
from tests.engine_contract.conftest import start, stop
from tests.engine_contract.parts import Node, make_link
from tests.unit.gateway_protocol.parts import Bench

MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[MakeBench]:
    """Makes an edge with settings of the test's own, and one link: `known01`."""
    nodes: list[Node] = []

    def make(**settings: object) -> Bench:
        folder = tmp_path / str(len(nodes))
        folder.mkdir()
        node = start("python", folder, **settings)
        node.add(make_link("known01"))
        nodes.append(node)
        return Bench(node, Settings(**settings))  # type: ignore[arg-type]

    yield make
    for node in nodes:
        stop(node)


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()
