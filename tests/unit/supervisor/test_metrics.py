"""What Prometheus reads: sums over workers that never fall, gauges of the living, each metric once."""

import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack

import pytest
from prometheus_client import generate_latest
from prometheus_client.core import CollectorRegistry, CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from edge302.listen import PortTaken
from edge302.metrics.node import merged
from edge302.metrics.serve import serve_metrics
from edge302.metrics.spool import spool_metrics
from edge302.metrics.table import PAGE_METRICS
from edge302.metrics.workers import SILENT_MS, worker_metrics
from gateway.counters import COUNTERS, GAUGES, CountersPage, latency_bucket, latency_sum_us, request_counter
from gateway.engines.contract import Tier
from shortlink.datadir import DataFolder

NOW_MS = 1_800_000_000_000


def worker(folder: DataFolder, slot: int, numbers: Mapping[str, int], heartbeat_ms: int = NOW_MS) -> None:
    """A page as a worker leaves it."""
    page = CountersPage(folder.counters_page(slot))
    page["pid"], page["heartbeat_ms"] = 1, heartbeat_ms
    for name, number in numbers.items():
        page[name] = number
    page.close()


def read(folder: DataFolder, name: str, **labels: str) -> float | None:
    """One sample of the edge's metrics."""
    for family in worker_metrics(folder, NOW_MS):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)
    return None


def test_counters_are_summed_over_all_workers_that_ever_were(folder: DataFolder) -> None:
    worker(folder, 0, {request_counter("redirect", 302): 5})
    worker(folder, 1, {request_counter("redirect", 302): 7}, heartbeat_ms=NOW_MS - SILENT_MS)
    assert read(folder, "edge302_requests_total", route="redirect", status="302") == 12


def test_gauges_are_those_of_living_workers(folder: DataFolder) -> None:
    worker(folder, 0, {"connections": 5})
    worker(folder, 1, {"connections": 7}, heartbeat_ms=NOW_MS - SILENT_MS)
    assert read(folder, "edge302_connections") == 5


def test_latency_is_a_histogram_in_seconds_with_cumulative_buckets(folder: DataFolder) -> None:
    cache = Tier.CACHE
    worker(folder, 0, {latency_bucket(cache, 0): 3, latency_bucket(cache, 4): 2, latency_sum_us(cache): 500})
    worker(folder, 1, {latency_bucket(cache, 15): 1, latency_sum_us(cache): 2_000_000})
    assert read(folder, "edge302_request_seconds_bucket", tier="cache", le="1e-05") == 3
    assert read(folder, "edge302_request_seconds_bucket", tier="cache", le="0.00025") == 5
    assert read(folder, "edge302_request_seconds_bucket", tier="cache", le="1.0") == 5
    assert read(folder, "edge302_request_seconds_bucket", tier="cache", le="+Inf") == 6
    assert read(folder, "edge302_request_seconds_count", tier="cache") == 6
    assert read(folder, "edge302_request_seconds_sum", tier="cache") == pytest.approx(2.0005)


def test_every_number_of_a_page_is_exported() -> None:
    exported = {sample.number for metric in PAGE_METRICS for sample in metric.samples}
    # They say whose page it is and whether it is a living one's.
    assert {*GAUGES, *COUNTERS} - exported == {"pid", "started_ms", "heartbeat_ms"}


def test_a_page_of_another_layout_is_left_out(folder: DataFolder) -> None:
    folder.counters_page(0).write_bytes(b"of another release")
    assert read(folder, "edge302_connections_accepted_total") == 0


def test_the_spool_is_measured_without_a_shipper(folder: DataFolder) -> None:
    for number in range(2):
        (folder.spool / f"{number}.seg").write_bytes(bytes(8192))
    (folder.spool / ".reader.lock").write_bytes(bytes(8192))
    values = {s.name: s.value for family in spool_metrics(folder.spool, 64 << 20) for s in family.samples}
    assert values.pop("edge302_spool_disk_free_bytes") > 0
    assert values == {"edge302_spool_bytes": 16_384, "edge302_spool_segments": 2, "edge302_spool_limit_bytes": 64 << 20}


def test_parts_of_one_metric_from_several_processes_become_one_family() -> None:
    def dropped(reason: str, count: int) -> Metric:
        family = CounterMetricFamily("edge302_clicks_dropped", "Clicks lost.", labels=["reason"])
        family.add_metric([reason], count)
        return family

    (family,) = merged([dropped("memory", 1), dropped("power", 2), dropped("memory", 9)])
    assert [(sample.labels["reason"], sample.value) for sample in family.samples] == [("memory", 1), ("power", 2)]


def test_the_text_is_what_prometheus_reads(folder: DataFolder, held: ExitStack) -> None:
    worker(folder, 0, {})

    class Edge:
        def collect(self) -> list[Metric]:
            return list(worker_metrics(folder, NOW_MS))

    port = serve_metrics(0, Edge(), held)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as reply:
        text = reply.read().decode()
    for family in text_string_to_metric_families(text):
        assert family.name.startswith("edge302_")
        assert family.documentation.endswith(".")


def test_a_taken_metrics_port_names_its_setting(held: ExitStack) -> None:
    port = serve_metrics(0, CollectorRegistry(), held)
    with pytest.raises(PortTaken, match=f"metrics port {port} .*EDGE302_METRICS_PORT"):
        serve_metrics(port, CollectorRegistry(), held)


def test_an_empty_node_has_nothing_wrong_to_say(folder: DataFolder) -> None:
    registry = CollectorRegistry()
    assert generate_latest(registry) == b""
    assert read(folder, "edge302_connections") == 0
