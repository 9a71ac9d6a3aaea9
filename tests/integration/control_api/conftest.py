"""Shared by the control plane's tests: one on fresh SQLite files for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.control_api.api import Api, running


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with running(tmp_path / "data") as api:
        yield api
