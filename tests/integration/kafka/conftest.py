"""What tests of Kafka may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.kafka.spooled import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    folder = tmp_path / "spool"
    folder.mkdir()
    spool = Spool(folder)
    yield spool
    spool.reader.close()
