"""The edge's metrics, read from the counters pages of its workers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from edge302.metrics.table import PAGE_METRICS, PageMetric
from gateway.counters import LATENCY_BOUNDS_US, latency_bucket, latency_sum_us, read_page
from gateway.engines.contract import Tier
from shortlink.datadir import DataFolder

SILENT_MS: Final = 10_000  # past it a page's gauges are those of a worker that is gone

_FAMILIES: Final[dict[str, type[CounterMetricFamily | GaugeMetricFamily]]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
}

Page = Mapping[str, int]


def worker_metrics(folder: DataFolder, now_ms: int) -> Iterable[Metric]:
    """All metrics of the edge; `now_ms` decides which workers are alive."""
    pages = [page for path in sorted(folder.run.glob("worker-*.counters")) if (page := read_page(path))]
    living = [page for page in pages if page["pid"] and now_ms - page["heartbeat_ms"] < SILENT_MS]
    for metric in PAGE_METRICS:
        # Pages of workers that are gone go on counting: a sum that falls would look like a restart of everything.
        yield _summed(metric, pages if metric.kind == "counter" else living)
    yield _latency(pages)


def _summed(metric: PageMetric, pages: Sequence[Page]) -> Metric:
    family = _FAMILIES[metric.kind](metric.name, metric.help, labels=metric.labels)
    for sample in metric.samples:
        family.add_metric(sample.labels, sum(page[sample.number] for page in pages))
    return family


def _latency(pages: Sequence[Page]) -> Metric:
    """Histograms by tier, in seconds; buckets in the pages are µs and not cumulative."""
    family = HistogramMetricFamily(
        "edge302_request_seconds",
        "Time from the arrival of a request to its reply's way out, by where the link was found.",
        labels=["tier"],
    )
    bounds = [*(str(bound / 1e6) for bound in LATENCY_BOUNDS_US), "+Inf"]
    for tier in Tier:
        buckets, count = [], 0
        for index, bound in enumerate(bounds):
            count += sum(page[latency_bucket(tier, index)] for page in pages)
            buckets.append((bound, count))
        family.add_metric([tier.name.lower()], buckets, sum(page[latency_sum_us(tier)] for page in pages) / 1e6)
    return family
