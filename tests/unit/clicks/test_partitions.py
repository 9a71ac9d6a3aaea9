"""Months of hourly counts: which are made ahead, and which are past their time."""

from clicks.counts import DAY_MS
from clicks.stores.postgres_partitions import Month, month_of, to_drop, to_make
from tests.store_contract.clicks.samples import NOON_MS  # 2023-11-14


def test_last_month_this_one_and_the_next_two_are_made() -> None:
    assert to_make(NOON_MS, []) == [Month(2023, 10), Month(2023, 11), Month(2023, 12), Month(2024, 1)]
    assert to_make(NOON_MS, ["click_hour_2023_10", "click_hour_2023_11", "click_hour_2023_12"]) == [Month(2024, 1)]


def test_months_follow_each_other_without_a_gap() -> None:
    month = Month(2023, 12)
    for _ in range(40):
        following = month.next
        assert month_of(following.start_hour * 3_600_000 - 1) == month
        month = following


def test_a_month_goes_when_its_last_hour_is_past_its_time_and_never_without_a_setting() -> None:
    names = ["click_hour_rest", "click_hour_2023_08", "click_hour_2023_09", "click_hour_2023_10", "click_hour_2023_11"]
    assert to_drop(NOON_MS, names, 0) == []
    assert to_drop(NOON_MS, names, 30) == [Month(2023, 8), Month(2023, 9)]
    assert to_drop(NOON_MS + 17 * DAY_MS, names, 30) == [Month(2023, 8), Month(2023, 9), Month(2023, 10)]
