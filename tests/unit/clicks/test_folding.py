"""Steps added up into intervals."""

from hypothesis import given
from hypothesis import strategies as st

from clicks.counts import TrafficClass
from clicks.folding import Bucket, fold, with_visitors
from clicks.questions import QUARTER_MS, Point, Step

HUMAN, BOT = TrafficClass.HUMAN, TrafficClass.BOT
DAY_MS = int(Step.DAY)


def test_holes_are_zeros() -> None:
    points = [Point(0, {HUMAN: 1}, None), Point(QUARTER_MS, {BOT: 2}, None), Point(9 * QUARTER_MS, {HUMAN: 3}, None)]
    assert fold(points, [0, 4 * QUARTER_MS, 8 * QUARTER_MS, 12 * QUARTER_MS]) == [
        Bucket(0, 4 * QUARTER_MS, {HUMAN: 1, BOT: 2}),
        Bucket(4 * QUARTER_MS, 8 * QUARTER_MS, {}),
        Bucket(8 * QUARTER_MS, 12 * QUARTER_MS, {HUMAN: 3}),
    ]


@given(st.lists(st.integers(-5, 105), unique=True), st.sets(st.integers(1, 99)))
def test_no_click_is_lost_or_counted_twice(quarters: list[int], inner: set[int]) -> None:
    points = [Point(quarter * QUARTER_MS, {HUMAN: 1}, None) for quarter in sorted(quarters)]
    buckets = fold(points, [quarter * QUARTER_MS for quarter in (0, *sorted(inner), 100)])
    assert sum(sum(bucket.by_class.values()) for bucket in buckets) == len(quarters)


def test_visitors_are_told_where_intervals_are_whole_days() -> None:
    buckets = fold([], [0, DAY_MS, 3 * DAY_MS, 3 * DAY_MS + QUARTER_MS])
    days = [Point(DAY_MS, {}, 2), Point(2 * DAY_MS, {}, 3)]
    assert [bucket.visitors for bucket in with_visitors(buckets, days, 0, 3 * DAY_MS)] == [0, 5, None]


def test_visitors_of_a_day_that_is_not_known_make_none_of_the_sum() -> None:
    buckets = fold([], [0, 2 * DAY_MS])
    days = [Point(0, {}, None), Point(DAY_MS, {}, 3)]
    assert [bucket.visitors for bucket in with_visitors(buckets, days, 0, 2 * DAY_MS)] == [None]
