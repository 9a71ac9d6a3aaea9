"""A folder where no node runs, and a node."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli.processes import Command, Node


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """`edge302` on a folder where no node runs."""
    return Command(tmp_path / "data")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node for all tests of a file."""
    with Node(tmp_path_factory.mktemp("node") / "data") as running:
        yield running
