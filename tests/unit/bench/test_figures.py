"""Rounds become figures."""

import pytest

from bench.figures import Figure, figure, percentile


def test_a_figure_is_the_median_with_its_quartiles() -> None:
    assert figure([5.0, 1.0, 3.0, 2.0, 4.0]) == Figure(median=3.0, low=2.0, high=4.0)


def test_one_round_is_its_own_median() -> None:
    assert figure([7.0]) == Figure(7.0, 7.0, 7.0)


def test_a_figure_is_shown_with_its_spread() -> None:
    assert Figure(136_000.4, 130_000.0, 140_000.0).shown(0) == "136,000 (130,000–140,000)"


@pytest.mark.parametrize(("share", "expected"), [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0), (0.0, 1.0)])
def test_a_percentile_is_a_value_that_was_seen(share: float, expected: float) -> None:
    assert percentile([float(number) for number in range(1000, 0, -1)], share) == expected
