"""The spool's size and room, read from its folder: they matter most when no shipper runs to tell them."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

_BLOCK_BYTES: Final = 512  # of st_blocks, whatever the file system's own blocks are


def spool_metrics(folder: Path, limit_bytes: int) -> Iterable[Metric]:
    """Bytes on disk, preallocated ones included, in how many segments, and how many bytes more there may be."""
    size = segments = 0
    for segment in folder.glob("*.seg"):
        try:
            size += segment.stat().st_blocks * _BLOCK_BYTES
        except FileNotFoundError:
            continue  # counted and freed just now
        segments += 1
    yield GaugeMetricFamily("edge302_spool_bytes", "Disk taken by click segments.", value=size)
    yield GaugeMetricFamily("edge302_spool_segments", "Click segments on disk.", value=segments)
    yield GaugeMetricFamily("edge302_spool_limit_bytes", "Most disk that click segments may take.", value=limit_bytes)
    if folder.exists():
        disk = os.statvfs(folder)
        yield GaugeMetricFamily(
            "edge302_spool_disk_free_bytes", "Room on the disk of the spool.", value=disk.f_bavail * disk.f_frsize
        )
