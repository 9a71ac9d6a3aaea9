"""Rounds of nodes beside Kafka become rows whose ratios compare rounds, not medians."""

from bench.figures import Figure
from bench.kafka_figures import Round, summary

NODES = ("without", "with")


def one(node: str, load: str, cpu_us: float) -> Round:
    return Round(node, load, 1e6 / cpu_us, 50.0, 100.0, cpu_us, 1.0, 0.0, None)


def test_each_round_is_compared_with_the_first_nodes_round_under_the_same_load() -> None:
    rounds = [
        *(
            one("with", "open", 5.0),
            one("without", "open", 5.0),
            one("with", "closed", 4.0),
            one("without", "closed", 2.0),
        ),
        *(
            one("without", "open", 8.0),
            one("with", "open", 9.6),
            one("without", "closed", 3.0),
            one("with", "closed", 6.0),
        ),
    ]
    rows = {(row.load, row.node): row for row in summary(rounds, NODES)}
    assert list(rows) == [("open", "without"), ("open", "with"), ("closed", "without"), ("closed", "with")]
    assert rows["closed", "with"].cpu_ratio == Figure(2.0, 2.0, 2.0)
    assert rows["closed", "with"].rate_ratio.median == 0.5
    assert rows["open", "with"].cpu_ratio.median == 1.1
    assert {row.cpu_ratio for (_, node), row in rows.items() if node == "without"} == {Figure(1.0, 1.0, 1.0)}
