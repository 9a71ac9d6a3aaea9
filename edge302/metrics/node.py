"""Everything that a node exports, each metric once."""

import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from edge302.holdings import Holdings, metrics_folder
from edge302.metrics.spool import spool_metrics
from edge302.metrics.workers import worker_metrics
from edge302.roles import API, GATEWAY, INGEST, RELAY, SHIPPER
from shortlink.clock import Clock, SystemClock

# Roles that keep their metrics in prometheus-client's files.
BY_PROMETHEUS_CLIENT: Final = (API, SHIPPER, RELAY, INGEST)


@dataclass(frozen=True, slots=True)
class Staff:
    """The processes of one role: how many run now, and how often one was started again."""

    role: str
    running: int
    restarts: int


class NodeCollector(Collector):
    """Collects at each scrape, from files that the processes keep; none of them is asked."""

    def __init__(self, holdings: Holdings, staff: Callable[[], Sequence[Staff]], clock: Clock | None = None) -> None:
        """`staff`: what the supervisor knows of its processes now."""
        self._holdings = holdings
        self._staff = staff
        self._clock = clock or SystemClock()

    def collect(self) -> Iterable[Metric]:
        """All families, as prometheus-client's exposition wants them."""
        return merged(self._families())

    def _families(self) -> Iterable[Metric]:
        folder, roles, now_ms = self._holdings.folder, self._holdings.locks, self._clock.now_ms()
        yield self._build()
        yield from self._processes()
        if GATEWAY in roles:
            yield from worker_metrics(folder, now_ms)
        if GATEWAY in roles or SHIPPER in roles:
            yield from spool_metrics(folder.spool, self._holdings.settings.spool_mb << 20)
        for role in BY_PROMETHEUS_CLIENT:
            if role in roles:
                yield from _kept_by_prometheus_client(str(metrics_folder(folder, role)))

    def _build(self) -> Metric:
        facts = {
            "version": version("edge302"),
            "engine": self._holdings.settings.engine,
            "python": platform.python_version(),
        }
        return InfoMetricFamily("edge302_build", "What runs here.", value=facts)

    def _processes(self) -> Iterable[Metric]:
        running = GaugeMetricFamily("edge302_processes", "Processes that run now.", labels=["role"])
        restarts = CounterMetricFamily(
            "edge302_restarts", "Processes started again after they died or fell silent.", labels=["role"]
        )
        for staff in self._staff():
            running.add_metric([staff.role], staff.running)
            restarts.add_metric([staff.role], staff.restarts)
        yield running
        yield restarts


def _kept_by_prometheus_client(folder: str) -> Iterable[Metric]:
    """The sums over all processes that a role ever had since it was started."""
    collector = MultiProcessCollector(None, folder)  # type: ignore[no-untyped-call]
    return collector.collect()  # type: ignore[no-untyped-call,no-any-return]


def merged(families: Iterable[Metric]) -> Iterable[Metric]:
    """One family a name, as the format demands, where several processes have parts of it; the first sample wins."""
    by_name: dict[str, Metric] = {}
    for family in families:
        first = by_name.setdefault(family.name, family)
        if first is not family:
            known = {(sample.name, tuple(sorted(sample.labels.items()))) for sample in first.samples}
            first.samples += [
                sample for sample in family.samples if (sample.name, tuple(sorted(sample.labels.items()))) not in known
            ]
    return by_name.values()
