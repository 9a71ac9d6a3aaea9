"""docs/operations.md names every metric that a node exports, and none that it doesn't."""

import re
from contextlib import ExitStack
from pathlib import Path

from prometheus_client import REGISTRY
from prometheus_client.metrics_core import Metric

import clicks.ingest.metrics
import clicks.metrics  # noqa: F401 - registers what the shipper exports, as the line before does for ingest
import control_api.observing  # noqa: F401 - the same for the control plane
import shortlink.relay.metrics  # noqa: F401 - and for the relay
from edge302.holdings import Holdings
from edge302.metrics.node import NodeCollector, Staff
from edge302.metrics.table import PAGE_METRICS
from edge302.roles import STOP_ORDER
from shortlink.datadir import DataFolder
from shortlink.settings import Settings

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
ROW = re.compile(r"^\| `((?:edge302|kafka)_\w+)` \| (\w+) \| ([\w, ]*)\|", re.MULTILINE)
OWN_NAMES = {"counter": "_total", "info": "_info"}  # as they are scraped


def test_the_metrics_table_is_complete(folder: DataFolder, held: ExitStack) -> None:
    documented = {name: kind for name, kind, _ in ROW.findall(PAGE.read_text())}
    exported = {family.name + OWN_NAMES.get(family.type, ""): family.type for family in families(folder, held)}
    exported["edge302_build_info"] = "gauge"  # what an info metric is to Prometheus
    assert documented == exported


def test_the_labels_are_those_of_the_page_metrics() -> None:
    documented = {name.removesuffix("_total"): labels.strip() for name, _, labels in ROW.findall(PAGE.read_text())}
    for metric in PAGE_METRICS:
        assert documented[metric.name] == ", ".join(metric.labels)


def exported_series(folder: DataFolder, held: ExitStack) -> set[str]:
    """The names by which Prometheus has all of it."""
    found = {"edge302_build_info"}
    for family in families(folder, held):
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
        found |= {family.name + ending for ending in endings}
    return found


def families(folder: DataFolder, held: ExitStack) -> list[Metric]:
    """Everything that the processes of a node export."""
    settings = Settings(data=folder.root, port=0, api_port=0, workers=1)
    node = NodeCollector(Holdings.take(STOP_ORDER, settings, held), lambda: [Staff("api", running=1, restarts=0)])
    own = [family for family in REGISTRY.collect() if family.name.startswith(("edge302_", "kafka_"))]
    return [*node.collect(), *own]
