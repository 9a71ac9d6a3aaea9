"""The spool's size and age, read from its folder: they matter most when no shipper runs."""

from collections.abc import Iterable
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric


def spool_metrics(folder: Path, now_ms: int) -> Iterable[Metric]:
    """Bytes on disk, segments, and the age of the oldest segment."""
    size, segments, oldest = 0, 0, float("inf")
    for segment in folder.glob("*.seg"):
        try:
            status = segment.stat()
        except FileNotFoundError:
            continue  # shipped and freed just now
        size += status.st_blocks * 512  # what it takes from the disk, not what it may grow to
        segments += 1
        oldest = min(oldest, status.st_mtime)
    age = max(0.0, now_ms / 1000 - oldest) if segments else 0.0
    yield GaugeMetricFamily("edge302_spool_bytes", "Disk taken by clicks that are not counted yet.", value=size)
    yield GaugeMetricFamily("edge302_spool_segments", "Files of the spool.", value=segments)
    yield GaugeMetricFamily("edge302_spool_oldest_seconds", "Time since the oldest file was last written.", value=age)
