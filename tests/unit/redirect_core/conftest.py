"""Fixtures of the bare extension's tests: a spool folder, and visitors."""

from pathlib import Path

import pytest

from redirect_core import Visitor


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """An empty spool folder."""
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def visitor() -> Visitor:
    """Someone with a browser."""
    return Visitor(bytes([203, 0, 113, 77]), b"https://example.com/", b"Mozilla/5.0 Firefox", b"de")
