"""A node's metrics as Prometheus would read them."""

import re
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def metrics_port(output: str) -> int:
    """The metrics port that `up` printed."""
    found = re.search(r"127\.0\.0\.1:(\d+)/metrics", output)
    assert found, output
    return int(found[1])


def scrape(output: str) -> Samples:
    """All samples, by name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port(output)}/metrics", timeout=5) as reply:
        text = reply.read().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(output: str, name: str, **labels: str) -> float:
    """One sample now; KeyError: there is none."""
    return scrape(output)[name, frozenset(labels.items())]
