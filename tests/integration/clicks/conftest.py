"""A data folder, and its figures as the control plane sees them."""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from shortlink.clock import SystemClock
from shortlink.datadir import DataFolder
from shortlink.stores.sqlite import SqliteLinkStore
from tests.integration.clicks.figures import Figures
from tests.integration.clicks.processes import Clicker, ShipperProcess


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    asyncio.run(_make_links(folder))
    return folder


async def _make_links(folder: DataFolder) -> None:
    """As the control plane does before there is a click."""
    links = SqliteLinkStore(folder.links_db, SystemClock())
    await links.open()
    await links.close()


@pytest.fixture
def figures(folder: DataFolder) -> Iterator[Figures]:
    figures = Figures(folder)
    yield figures
    figures.close()


@pytest.fixture
def start_shipper(folder: DataFolder) -> Iterator[Callable[..., ShipperProcess]]:
    """Starts shippers on the folder; what a failed test leaves running is killed."""
    with ExitStack() as started:

        def start(extra: Mapping[str, str] | None = None, descriptors: tuple[int, ...] = ()) -> ShipperProcess:
            shipper = ShipperProcess(folder, extra, descriptors)
            started.callback(shipper.kill)
            return shipper

        yield start


@pytest.fixture
def start_clicker(folder: DataFolder, tmp_path: Path) -> Iterator[Callable[[int], Clicker]]:
    """Starts workers that click; what a failed test leaves running is killed."""
    numbers = itertools.count()
    with ExitStack() as started:

        def start(worker: int) -> Clicker:
            clicker = Clicker(folder, worker, tmp_path / f"tally-{next(numbers)}")
            started.callback(clicker.kill)
            return clicker

        yield start
