"""The spool's size, read from its folder: it matters most when no shipper runs to tell it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

_BLOCK_BYTES: Final = 512  # of st_blocks, whatever the file system's own blocks are


def spool_metrics(folder: Path) -> Iterable[Metric]:
    """Bytes on disk, preallocated ones included, and how many segments they are in."""
    size = segments = 0
    for segment in folder.glob("*.seg"):
        try:
            size += segment.stat().st_blocks * _BLOCK_BYTES
        except FileNotFoundError:
            continue  # counted and freed just now
        segments += 1
    yield GaugeMetricFamily("edge302_spool_bytes", "Disk taken by click segments.", value=size)
    yield GaugeMetricFamily("edge302_spool_segments", "Click segments on disk.", value=segments)
