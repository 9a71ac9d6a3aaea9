"""Small MMDB files of places, made for tests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

KIND = "Test-City"


def write_places(path: Path, places: Mapping[str, Any], ip_version: int = 6) -> Path:
    """A file of these entries by network; it takes the place of the one before it in one step, as downloads should."""
    writer = MMDBWriter(ip_version, database_type=KIND, languages=["en"], ipv4_compatible=ip_version == 6)
    for network, record in places.items():
        writer.insert_network(IPSet([network]), record)
    draft = path.with_suffix(".draft")
    writer.to_db_file(str(draft))
    return draft.replace(path)
