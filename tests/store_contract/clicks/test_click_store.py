"""What every store of clicks does."""

import pytest

from clicks.counts import DAY_MS, HOUR_MS, ClickBatch, SeriesPoint, TrafficClass
from shortlink.links import LinkKey
from tests.store_contract.clicks.running import Running
from tests.store_contract.clicks.samples import NOON_MS, ManualClock, batch, count_key, epoch

HUMAN, BOT = TrafficClass.HUMAN, TrafficClass.BOT


def test_a_new_store_has_counted_nothing(store: Running) -> None:
    assert store.watermarks() == {}
    assert store.totals("abcdefg") == {}
    assert store.service_totals() == {}
    assert store.dropped() == {}
    assert store.series(None, NOON_MS, NOON_MS + HOUR_MS) == [SeriesPoint(NOON_MS, {})]


def test_a_batch_is_counted_and_moves_its_watermark(store: Running) -> None:
    assert store.add(batch(1, 0, 5))
    assert store.totals("abcdefg") == {"abcdefg": {HUMAN: 5}}
    assert store.watermarks() == {epoch(1): 5}


def test_batches_of_an_epoch_add_up(store: Running) -> None:
    assert store.add(batch(1, 0, 5))
    assert store.add(batch(1, 5, 7))
    assert store.totals("abcdefg") == {"abcdefg": {HUMAN: 7}}
    assert store.watermarks() == {epoch(1): 7}


def test_epochs_are_counted_apart(store: Running) -> None:
    assert store.add(batch(1, 0, 5))
    assert store.add(batch(2, 0, 3))
    assert store.totals("abcdefg") == {"abcdefg": {HUMAN: 8}}
    assert store.watermarks() == {epoch(1): 5, epoch(2): 3}


def test_a_batch_that_comes_twice_is_counted_once(store: Running) -> None:
    assert store.add(batch(1, 0, 5))
    assert not store.add(batch(1, 0, 5))
    assert store.service_totals() == {HUMAN: 5}
    assert store.watermarks() == {epoch(1): 5}


@pytest.mark.parametrize("after_seq", [0, 4, 6])
def test_a_batch_that_does_not_follow_the_watermark_is_refused_whole(store: Running, after_seq: int) -> None:
    assert store.add(batch(1, 0, 5))
    late = ClickBatch(epoch(1), after_seq, 9, {count_key("another"): 4}, {"power": 2})
    assert not store.add(late)
    assert store.totals("another") == {}
    assert store.dropped() == {}
    assert store.watermarks() == {epoch(1): 5}


def test_equal_batches_at_once_are_counted_once(store: Running) -> None:
    answers = store.add_at_once([batch(1, 0, 5)] * 10)
    assert sorted(answers) == [False] * 9 + [True]
    assert store.service_totals() == {HUMAN: 5}


def test_links_domains_classes_and_hours_are_kept_apart(store: Running) -> None:
    counts = {
        count_key("abcdefg"): 1,
        count_key("ABCDEFG"): 2,
        count_key("abcdefg", domain="go.example.com"): 4,
        count_key("abcdefg", traffic=BOT): 8,
        count_key("abcdefg", hour_ms=NOON_MS + HOUR_MS): 16,
    }
    assert store.add(batch(1, 0, 31, counts))
    keys = [LinkKey("", "abcdefg"), LinkKey("", "ABCDEFG"), LinkKey("go.example.com", "abcdefg"), LinkKey("", "nobody")]
    assert store.totals_by_key(keys) == {
        keys[0]: {HUMAN: 17, BOT: 8},
        keys[1]: {HUMAN: 2},
        keys[2]: {HUMAN: 4},
    }
    assert store.service_totals() == {HUMAN: 23, BOT: 8}
    assert store.series(keys[0], NOON_MS, NOON_MS + 2 * HOUR_MS) == [
        SeriesPoint(NOON_MS, {HUMAN: 1, BOT: 8}),
        SeriesPoint(NOON_MS + HOUR_MS, {HUMAN: 16}),
    ]


def test_every_class_comes_back_as_it_went_in(store: Running) -> None:
    counts = {count_key("abcdefg", traffic=traffic): at + 1 for at, traffic in enumerate(TrafficClass)}
    assert store.add(batch(1, 0, 21, counts))
    assert store.totals("abcdefg")["abcdefg"] == {traffic: at + 1 for at, traffic in enumerate(TrafficClass)}


def test_a_series_has_a_point_for_every_hour_and_ends_before_until(store: Running) -> None:
    counts = {count_key("abcdefg", hour_ms=NOON_MS + n * HOUR_MS): n + 1 for n in (-1, 0, 2, 3)}
    assert store.add(batch(1, 0, 10, counts))
    for key in (LinkKey("", "abcdefg"), None):
        assert store.series(key, NOON_MS, NOON_MS + 3 * HOUR_MS) == [
            SeriesPoint(NOON_MS, {HUMAN: 1}),
            SeriesPoint(NOON_MS + HOUR_MS, {}),
            SeriesPoint(NOON_MS + 2 * HOUR_MS, {HUMAN: 3}),
        ]


@pytest.mark.parametrize(("since", "until"), [(NOON_MS + 1, NOON_MS + HOUR_MS), (NOON_MS, NOON_MS + HOUR_MS - 1)])
def test_a_series_off_the_hour_is_an_error(store: Running, since: int, until: int) -> None:
    with pytest.raises(ValueError, match="on the hour"):
        store.series(None, since, until)


def test_the_service_series_is_the_sum_over_links(store: Running) -> None:
    assert store.add(batch(1, 0, 7, {count_key("abcdefg"): 3, count_key("another"): 4}))
    assert store.series(None, NOON_MS, NOON_MS + HOUR_MS) == [SeriesPoint(NOON_MS, {HUMAN: 7})]


def test_lost_clicks_add_up_by_reason(store: Running) -> None:
    assert store.add(ClickBatch(epoch(1), 0, 5, {}, {"power": 5}))
    assert store.add(ClickBatch(epoch(2), 0, 9, {}, {"power": 2, "memory": 7}))
    assert store.dropped() == {"power": 7, "memory": 7}


def test_events_that_a_sink_lost_are_no_lost_clicks(store: Running) -> None:
    assert store.add(ClickBatch(epoch(1), 0, 5, {}, {"power": 5}))
    assert store.events_dropped() == {}
    store.add_events_dropped("kafka", "spool_full", 3)
    store.add_events_dropped("kafka", "spool_full", 4)
    store.add_events_dropped("sqlite", "spool_full", 1)
    assert store.events_dropped() == {"kafka:spool_full": 7, "sqlite:spool_full": 1}
    assert store.dropped() == {"power": 5}


def test_no_keys_have_no_totals(store: Running) -> None:
    assert store.totals() == {}


def test_counts_beyond_32_bits_are_kept(store: Running) -> None:
    many = 1 << 40
    assert store.add(batch(1, 0, many))
    assert store.add(batch(1, many, 2 * many))
    assert store.service_totals() == {HUMAN: 2 * many}


def test_a_watermark_outlives_its_segments_by_a_day(store: Running, clock: ManualClock) -> None:
    assert store.add(batch(1, 0, 5))
    clock.advance(DAY_MS - 1)
    assert store.forget_epochs([], clock.now_ms()) == 0
    clock.advance(1)
    assert store.forget_epochs([], clock.now_ms()) == 1
    assert store.watermarks() == {}
    assert store.service_totals() == {HUMAN: 5}


def test_an_epoch_with_segments_is_never_forgotten(store: Running, clock: ManualClock) -> None:
    assert store.add(batch(1, 0, 5))
    clock.advance(10 * DAY_MS)
    assert store.forget_epochs([epoch(1), epoch(9)], clock.now_ms()) == 0
    clock.advance(DAY_MS - 1)
    assert store.forget_epochs([], clock.now_ms()) == 0  # the day counts from when its segments were last seen
    assert store.watermarks() == {epoch(1): 5}


def test_counting_makes_an_epoch_young_again(store: Running, clock: ManualClock) -> None:
    assert store.add(batch(1, 0, 5))
    clock.advance(DAY_MS - 1)
    assert store.add(batch(1, 5, 6))
    clock.advance(DAY_MS - 1)
    assert store.forget_epochs([], clock.now_ms()) == 0


def test_closing_twice_is_harmless(store: Running) -> None:
    store.close()
    store.close()
