"""What the supervisor's tests share: a data folder, and children that do as they are told."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from shortlink.datadir import DataFolder


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A fresh data folder."""
    folder = DataFolder(tmp_path / "data")
    folder.create()
    return folder


@pytest.fixture
def held() -> Iterator[ExitStack]:
    """Gives back at the end what a test took."""
    with ExitStack() as stack:
        yield stack
