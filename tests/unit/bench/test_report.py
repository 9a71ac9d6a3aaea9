"""A result becomes tables, the README's lines, and plots; what was left out is left out there too."""

from xml.etree import ElementTree

import pytest

from bench.headline import headline
from bench.plots import drawings
from bench.report import markdown
from tests.unit.bench.results import whole_result

PARTS = (
    "redirects",
    "latency",
    "resources",
    "creates",
    "visibility",
    "misses",
    "writes",
    "clicks",
    "questions",
    "kafka",
)


def test_a_server_is_shown_with_its_cpu_what_of_it_is_the_edge_and_its_ratio_to_nginx() -> None:
    rate, cpu = "92,593 (83,333–101,852)", "11.25 (10.12–12.38); edge 10.25, counting 1.00"
    assert f"| plain, Zipf keys | edge302 python | {rate} | {cpu} | 2.00 (2.00–2.00) |" in markdown(whole_result())


def test_the_ratios_of_the_edge_to_every_other_server_are_a_table_of_their_own() -> None:
    lines = markdown(whole_result()).splitlines()
    at = lines.index("CPU a request of edge302 python as a multiple of the others':")
    head, _, _, row = lines[at + 2 : at + 6]
    assert dict(zip(_cells(head), _cells(row), strict=True)) == {
        "requests": "16 deep, 100k links",
        "nginx return 302": "2.00 (2.00–2.00)",
        "bare uvloop + httptools + dict": "1.50 (1.50–1.50)",
    }


def test_a_rate_that_was_not_carried_has_no_latency() -> None:
    lines = markdown(whole_result()).splitlines()
    (row,) = (line for line in lines if line.startswith("| 80 % of nginx's most | edge302"))
    assert row.count("not carried") == 3
    assert "| to nginx, 50 % of nginx's most | 1.25 (1.25–1.25) |" in lines


def test_a_miss_is_shown_with_what_of_its_cpu_the_server_took_and_as_a_multiple_of_the_others() -> None:
    (row,) = (line for line in markdown(whole_result()).splitlines() if line.startswith("| edge302 rust, each a Redis"))
    _, rate, used, _, of_the_server, behind, missed, cpu_ratio, rate_ratio = _cells(row)
    assert (used, missed) == ("89%", "95.0%")
    assert rate.startswith("111,111 ")
    assert (of_the_server, behind) == ("8.00 (8.00–8.00)", "0.00 (0.00–0.00)")
    assert (cpu_ratio, rate_ratio) == ("1.33 (1.33–1.33)", "0.67 (0.67–0.67)")


def test_creates_are_shown_with_their_worst_round_and_bulk_without_latency() -> None:
    rows = [_cells(line) for line in markdown(whole_result()).splitlines() if line.startswith("| POST /api/")]
    assert {name: worst for name, _, _, _, worst, *_ in rows} == {
        "POST /api/shorten": "21.0",
        "POST /api/links/bulk": "–",
    }


def test_a_node_beside_kafka_is_shown_as_a_multiple_of_the_one_without_single_clicks() -> None:
    (row,) = (line for line in markdown(whole_result()).splitlines() if "| in SQLite and Kafka |" in line)
    assert _cells(row)[6:] == [
        *("250 (250–250)", "1.25 (1.25–1.25)", "10.00 (9.00–11.00)", "1.00 (1.00–1.00)", "9.00 (9.00–9.00)", "12%"),
    ]


@pytest.mark.parametrize(
    "said",
    [
        "to nginx, 50 % of nginx's most 1.25 (1.25–1.25) ×",
        "python engine 170 MB once 1,000 links were seen, 180 MB once 2,000 links were seen",
        "An idle connection, of 10,000, takes 3.0 KiB (python engine).",
        "System calls a request: 2.020 (python, plain).",
        "**5,000 (5,000–5,000)** links a second",
        "p50 1.0 ms, p99 2.0 ms, at most 2.0 ms (2 changes)",
    ],
)
def test_the_readme_has_a_line_for_each_part(said: str) -> None:
    (line,) = (line for line in headline(whole_result()).splitlines() if said in line)
    assert line.startswith("- ")


@pytest.mark.parametrize("left_out", PARTS)
def test_any_part_may_be_left_out(left_out: str) -> None:
    result = whole_result()
    with_it = markdown(result)
    result[left_out] = None
    assert len(markdown(result)) < len(with_it)


def test_plots_are_svg_and_the_same_each_time() -> None:
    drawn = drawings(whole_result())
    assert set(drawn) == {"cpu", "latency"}
    assert drawn == drawings(whole_result())
    for text in drawn.values():
        ElementTree.fromstring(text)
        assert "edge302 python" in text


def test_nothing_is_drawn_of_what_was_not_measured() -> None:
    assert drawings({**whole_result(), "redirects": None, "latency": None}) == {}


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]
