"""What the tests of engines share: every engine, on a clock moved by hand."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.counters import CountersPage
from gateway.engines import ENGINES, load_engine
from redirect_core import SpoolWriter
from shortlink.settings import Settings
from tests.engine_contract.parts import HandClock, Node, make_link

MakeNode = Callable[..., Node]


# The fast part holds the Python engine against the other one, byte for byte: test_differential.py.
EACH_ENGINE = [pytest.param(name, marks=[pytest.mark.slow] if name == "python" else []) for name in sorted(ENGINES)]


@pytest.fixture(scope="session", params=EACH_ENGINE)
def engine_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def start(engine_name: str, folder: Path, **settings: object) -> Node:
    """A node in a folder of its own."""
    page = CountersPage(folder / "page")
    spool = SpoolWriter(str(folder), 0, segment_bytes=1 << 20)
    clock = HandClock()
    engine = load_engine(engine_name)(Settings(**settings), clock, page, spool)  # type: ignore[arg-type]
    return Node(engine, clock, page, spool, folder)


def stop(node: Node) -> None:
    node.engine.close()
    node.page.close()


@pytest.fixture
def make_node(engine_name: str, tmp_path: Path) -> Iterator[MakeNode]:
    """Makes nodes with settings of the test's own."""
    nodes: list[Node] = []

    def make(**settings: object) -> Node:
        folder = tmp_path / f"node-{len(nodes)}"
        folder.mkdir()
        nodes.append(start(engine_name, folder, **settings))
        return nodes[-1]

    yield make
    for node in nodes:
        stop(node)


@pytest.fixture
def node(make_node: MakeNode) -> Node:
    """A node with the default settings and one link: `known01`."""
    node = make_node()
    node.add(make_link("known01"))
    return node


@pytest.fixture(scope="session")
def shared_node(engine_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One for tests that each ask for much of the same, without the budget that this would use up."""
    node = start(engine_name, tmp_path_factory.mktemp("shared"), unknown_per_minute=0)
    node.add(make_link("known01"))
    yield node
    stop(node)
