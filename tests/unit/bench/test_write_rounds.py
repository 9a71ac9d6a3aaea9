"""Rounds of loads that make links become a row."""

from bench import bulk
from bench.write_rounds import Done, Round, row


def test_a_row_counts_what_was_made_before_the_rounds_and_measures_it_not() -> None:
    made = row("create", 500, [Round(Done(1_000, 2.0, 4_000, 9_000), 1.0, 0.5), Round(Done(3_000, 2.0), 1.5, 0.75)])
    assert made.links == 4_500
    assert made.rates == [500.0, 1_500.0]
    assert (made.cpu_us.low, made.cpu_us.high) == (625.0, 875.0)


def test_a_round_of_one_reply_to_many_links_has_no_latency() -> None:
    made = row("bulk", 0, [Round(Done(100_000, 1.0), 0.9, 0.5)])
    assert (made.p50_ms, made.p99_ms, made.p99s_ms) == (None, None, [])


def test_a_bulk_body_has_a_line_for_each_link_and_no_target_twice() -> None:
    lines = bulk.body(50).splitlines()
    assert len(lines) == len(set(lines)) == 50
