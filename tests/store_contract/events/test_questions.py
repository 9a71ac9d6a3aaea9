"""What can be asked of clicks, on every store."""

import pytest

from clicks.counts import DAY_MS, HOUR_MS, TrafficClass
from clicks.questions import QUARTER_MS, Dimension, Step
from tests.store_contract.events.asking import Asking
from tests.store_contract.events.samples import (
    EVERY_CLASS,
    OTHER_EPOCH,
    TODAY,
    TODAY_MS,
    event,
    key,
    question,
)

HUMAN, BOT, HEAD = TrafficClass.HUMAN, TrafficClass.BOT, TrafficClass.HEAD


def values(store: Asking, dimension: Dimension, **fields: object) -> list[tuple[str, int]]:
    return [(value.value, value.clicks) for value in store.top(question(**fields), dimension).values]


def test_an_empty_store_answers_nothing(store: Asking) -> None:
    assert store.totals(question()).by_class == {}
    assert store.series(question(), Step.HOUR).points == []
    assert store.top(question(), Dimension.COUNTRY, 10).values == []
    assert store.export(question()) == []
    assert store.freshness().newest_ms is None


def test_clicks_are_told_by_class(store: Asking) -> None:
    store.fill(event(1), event(2), event(3, traffic=BOT, reason="tool"), event(4, traffic=HEAD, reason="method"))
    assert store.totals(question()).by_class == {HUMAN: 2, BOT: 1}
    assert store.totals(question(classes=EVERY_CLASS)).by_class == {HUMAN: 2, BOT: 1, HEAD: 1}
    assert store.totals(question(classes=frozenset())).by_class == {}


def test_clicks_that_were_counted_together_count_as_many(store: Asking) -> None:
    store.fill(event(1, clicks=40), event(2))
    assert store.totals(question()).by_class == {HUMAN: 41}
    assert values(store, Dimension.COUNTRY) == [("DE", 41)]


def test_the_first_moment_is_meant_and_the_last_is_not(store: Asking) -> None:
    store.fill(event(1, time=TODAY_MS - 1), event(2, time=TODAY_MS), event(3, time=TODAY_MS + QUARTER_MS))
    today = question(since_ms=TODAY_MS, until_ms=TODAY_MS + QUARTER_MS)
    assert store.totals(today).by_class == {HUMAN: 1}
    assert [click.seq for click in store.export(today)] == [2]


def test_a_visitor_counts_once_a_day(store: Asking) -> None:
    store.fill(
        event(1, visitor="1"),
        event(2, visitor="1", traffic=BOT),
        event(3, visitor="18446744073709551615"),
        event(4, visitor="0"),
        event(5, visitor="1", time=TODAY_MS - 1),
    )
    assert store.totals(question()).visitors == 3
    assert store.totals(question(classes=frozenset({BOT}))).visitors == 1
    days = store.series(question(), Step.DAY).points
    assert [(day.start_ms, day.visitors) for day in days] == [(TODAY_MS - DAY_MS, 1), (TODAY_MS, 2)]


def test_visitors_of_a_part_of_a_day_are_those_who_came_then(store: Asking) -> None:
    store.fill(event(1, visitor="1"), event(2, visitor="2", time=TODAY_MS + HOUR_MS), event(3, visitor="3"))
    part = question(since_ms=TODAY_MS - DAY_MS, until_ms=TODAY_MS + HOUR_MS)
    assert store.totals(part).visitors == 2


def test_visitors_of_a_link_are_its_own(store: Asking) -> None:
    store.fill(event(1, visitor="1"), event(2, visitor="1", code="other"), event(3, visitor="2", code="other"))
    assert store.totals(question(links=[key()])).visitors == 1
    assert store.totals(question(links=[key(), key("other")])).visitors == 2
    assert store.totals(question()).visitors == 2


@pytest.mark.parametrize("step", list(Step))
def test_a_series_has_the_steps_with_clicks(store: Asking, step: Step) -> None:
    store.fill(
        event(1, time=TODAY_MS + step), event(2, time=TODAY_MS + 2 * step - 1, traffic=BOT), event(3, time=TODAY_MS - 1)
    )
    points = store.series(question(until_ms=TODAY_MS + 2 * DAY_MS), step).points
    assert [(point.start_ms, point.by_class) for point in points] == [
        (TODAY_MS - step, {HUMAN: 1}),
        (TODAY_MS + step, {HUMAN: 1, BOT: 1}),
    ]


def test_a_question_about_links_is_about_no_other(store: Asking) -> None:
    store.fill(event(1), event(2, domain="b.example"), event(3, code="other"), event(4, code="third"))
    assert store.totals(question(links=[key()])).by_class == {HUMAN: 1}
    assert store.totals(question(links=[key(), key("other"), key("never-clicked")])).by_class == {HUMAN: 2}
    assert store.totals(question(links=[key(domain="b.example")])).by_class == {HUMAN: 1}


def test_a_question_about_no_links_has_an_empty_answer(store: Asking) -> None:
    start = store.arrived(question(), None).cursor
    store.fill(event(1))
    assert store.totals(question(links=[])).by_class == {}
    assert store.series(question(links=[]), Step.HOUR).points == []
    assert store.top(question(links=[]), Dimension.COUNTRY).values == []
    assert store.export(question(links=[])) == []
    assert store.arrived(question(links=[]), start).events == []


def test_ten_thousand_links_can_be_asked_for_at_once(store: Asking) -> None:
    store.fill(*(event(seq, code=f"c{seq}") for seq in range(1, 200)))
    many = [key(f"c{number}") for number in range(10_000)]
    assert store.totals(question(links=many)).by_class == {HUMAN: 199}
    assert len(store.top(question(links=many), Dimension.CODE).values) == 10


def test_a_question_about_a_domain_is_about_no_other(store: Asking) -> None:
    store.fill(event(1), event(2, domain="b.example"), event(3, domain="b.example", code="other"))
    assert store.totals(question(domain="")).by_class == {HUMAN: 1}
    assert store.totals(question(domain="b.example")).by_class == {HUMAN: 2}
    assert store.totals(question(domain="b.example", links=[key(), key("other", "b.example")])).by_class == {HUMAN: 1}
    assert store.totals(question(domain="never.example")).by_class == {}


def test_values_come_most_clicked_first_and_equal_ones_by_their_text(store: Asking) -> None:
    store.fill(
        event(1, country="FR"), event(2, country="DE"), event(3, country=""), event(4, country="AT"), event(5), event(6)
    )
    assert values(store, Dimension.COUNTRY) == [("DE", 3), ("", 1), ("AT", 1), ("FR", 1)]
    assert [value.value for value in store.top(question(), Dimension.COUNTRY, 2).values] == ["DE", ""]


VALUES = {
    Dimension.DOMAIN: ("domain", "b.example", "b.example"),
    Dimension.CODE: ("code", "other", "/other"),
    Dimension.CLASS: ("traffic", TrafficClass.MONITOR, "monitor"),
    Dimension.VARIANT: ("variant", 2, "2"),
} | {
    dimension: (dimension.value, f"another {dimension}", f"another {dimension}")
    for dimension in Dimension
    if dimension not in (Dimension.DOMAIN, Dimension.CODE, Dimension.CLASS, Dimension.VARIANT)
}


@pytest.mark.parametrize("dimension", list(Dimension))
def test_every_dimension_can_be_told_and_filtered_by(store: Asking, dimension: Dimension) -> None:
    field, value, told = VALUES[dimension]
    plain = store_value(dimension)
    store.fill(event(1), event(2), event(3, **{field: value}))
    assert values(store, dimension) == [(plain, 2), (told, 1)]
    for chosen, count in (([told], 1), ([plain], 2), ([plain, told], 3), (["nowhere"], 0), ([], 0)):
        asked = question(where={dimension: chosen})
        assert sum(store.totals(asked).by_class.values()) == count
        assert sum(value.clicks for value in store.top(asked, Dimension.BROWSER).values) == count
        assert sum(sum(point.by_class.values()) for point in store.series(asked, Step.DAY).points) == count
        assert len(store.export(asked)) == count


def store_value(dimension: Dimension) -> str:
    if dimension is Dimension.CODE:
        return "/abcdefg"
    return str(getattr(event(1), "traffic" if dimension is Dimension.CLASS else dimension.value))


def test_filters_hold_together(store: Asking) -> None:
    store.fill(event(1), event(2, country="FR"), event(3, country="FR", browser="Chrome"))
    both = {Dimension.COUNTRY: ["FR"], Dimension.BROWSER: ["Firefox", "Safari"]}
    assert store.totals(question(where=both)).by_class == {HUMAN: 1}
    assert [click.seq for click in store.export(question(where=both))] == [2]
    assert values(store, Dimension.CITY, where=both, links=[key()]) == [("Berlin", 1)]


def test_an_export_goes_on_after_more_clicks_of_one_moment_than_a_page_has(store: Asking) -> None:
    clicks = [event(seq, time=TODAY_MS) for seq in range(1, 4_502)]
    clicks += [event(4_502, time=TODAY_MS + 1), event(4_503, time=TODAY_MS + 3_600_000)]
    store.fill(*clicks)
    assert [click.seq for click in store.export(question())] == list(range(1, 4_504))


def test_an_export_is_in_order_of_time_epoch_and_seq(store: Asking) -> None:
    later = [event(seq, time=TODAY_MS + 1) for seq in (1, 2)]
    other = [event(seq, epoch=OTHER_EPOCH, node="node-2", worker=3) for seq in (1, 2, 3)]
    early = [event(3), event(4)]
    store.fill(*later, *other, *early)
    assert store.export(question()) == [*early, *other, *later]


def test_an_export_of_many_clicks_is_whole(store: Asking) -> None:
    clicks = [event(seq, time=TODAY_MS + seq // 700) for seq in range(1, 2_500)]
    store.fill(*clicks)
    assert store.export(question()) == clicks


def test_what_arrived_is_told_once(store: Asking) -> None:
    store.fill(event(1))
    before = store.arrived(question(), None)
    assert before.events == []
    store.fill(event(2, time=TODAY_MS - 5), event(3, country="FR"), event(4))
    first = store.arrived(question(), before.cursor, 2)
    assert [click.seq for click in first.events] == [2, 3]
    rest = store.arrived(question(), first.cursor)
    assert [click.seq for click in rest.events] == [4]
    assert store.arrived(question(), rest.cursor).events == []


def test_what_arrived_can_be_filtered(store: Asking) -> None:
    start = store.arrived(question(), None).cursor
    store.fill(event(1), event(2, code="other"), event(3, country="FR"))
    french = store.arrived(question(where={Dimension.COUNTRY: ["FR"]}, links=[key()]), start)
    assert [click.seq for click in french.events] == [3]
    assert store.arrived(question(), french.cursor).events == []


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "9" * 40, "²"])
def test_a_cursor_of_somebody_elses_is_refused(store: Asking, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        store.arrived(question(), cursor)


def test_a_forgotten_link_is_in_no_answer(store: Asking) -> None:
    store.fill(
        event(1),
        event(2, visitor="2", clicks=3, country="FR"),
        event(3, code="other", visitor="2"),
        event(4, domain="b.example", visitor="3"),
    )
    assert store.forget_link(key()) == 4
    assert store.forget_link(key()) == 0
    assert store.totals(question()) == (*({HUMAN: 2}, 2), store.totals(question()).covered)
    assert store.totals(question(links=[key()])).by_class == {}
    assert values(store, Dimension.CODE) == [("/other", 1), ("b.example/abcdefg", 1)]
    assert values(store, Dimension.COUNTRY) == [("DE", 2)]
    assert values(store, Dimension.COUNTRY, domain="") == [("DE", 1)]
    assert [click.seq for click in store.export(question())] == [3, 4]


def test_a_link_that_was_forgotten_can_be_clicked_again(store: Asking) -> None:
    store.fill(event(1))
    start = store.arrived(question(), None).cursor
    store.forget_link(key())
    store.fill(event(2))
    assert store.totals(question()).by_class == {HUMAN: 1}
    assert [click.seq for click in store.arrived(question(), start).events] == [2]


def test_a_forgotten_visitor_is_in_no_answer_of_that_day(store: Asking) -> None:
    store.fill(
        event(1),
        event(2, code="other", country="FR", clicks=2),
        event(3, time=TODAY_MS - 1),
        event(4, visitor="2"),
    )
    assert store.forget_visitor(TODAY, "1") == 3
    assert store.forget_visitor(TODAY, "1") == 0
    assert store.totals(question())[:2] == ({HUMAN: 2}, 2)
    assert values(store, Dimension.COUNTRY) == [("DE", 2)]
    assert values(store, Dimension.CODE) == [("/abcdefg", 2)]
    assert [click.seq for click in store.export(question())] == [3, 4]


def test_the_newest_click_is_the_one_of_the_latest_time(store: Asking) -> None:
    store.fill(event(1, time=TODAY_MS + 5), event(2, time=TODAY_MS))
    assert store.freshness().newest_ms == TODAY_MS + 5


HOSTILE = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "'; DROP TABLE event_log; --", "\r\nSet-Cookie: a=b",
           "\x01\x1b[31m", "\ufffd\u202e\U0001f600", "%s%d{}", "x" * 2_000]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_come_back_as_they_are(store: Asking, text: str) -> None:
    click = event(1, referrer=text, user_agent=text, language=text, city=text, utm_term=text, code="a", domain="b")
    store.fill(click)
    assert store.export(question()) == [click]
    assert values(store, Dimension.REFERRER) == [(text, 1)]
    assert values(store, Dimension.UTM_TERM, where={Dimension.LANGUAGE: [text]}) == [(text, 1)]


def test_texts_may_be_longer_than_an_index_takes(store: Asking) -> None:
    click = event(1, **{f"utm_{name}": "ä" * 4_000 for name in ("source", "medium", "campaign", "term", "content")})
    store.fill(click)
    assert store.export(question()) == [click]
