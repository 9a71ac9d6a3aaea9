"""Questions as ClickHouse's SQL: values stand beside the statement, in parameters of a size that the server takes."""

from clicks.counts import TrafficClass
from clicks.questions import Dimension, Question
from clicks.stores.clickhouse_spans import Span
from clicks.stores.clickhouse_sql import (
    Source,
    in_days,
    in_quarters,
    in_time,
    links_told,
    most_clicked,
    of_scope,
    of_values,
    summed,
    values_of,
)
from shortlink.links import LinkKey

HOSTILE = "'); DROP TABLE click_event; --"
ASKED = Question(
    0,
    900_000,
    links=[LinkKey(HOSTILE, HOSTILE)],
    domain=HOSTILE,
    classes=frozenset({TrafficClass.HUMAN}),
    where={dimension: [f"{HOSTILE}/{HOSTILE}"] for dimension in Dimension},
)


def test_no_value_is_a_part_of_the_statement() -> None:
    meant = of_scope(ASKED) & of_values(ASKED) & in_time(Span(0, 900_000))
    sources = [Source("click_event", "code", meant)]
    for statement in (summed(sources), most_clicked(sources)):
        assert "DROP" not in statement
        assert all(f"{{{name}:" in statement for name in values_of(sources))


def test_every_dimension_is_asked_for_once() -> None:
    names = [*of_scope(ASKED).values, *of_values(ASKED).values]
    assert len(names) == len(set(names))
    assert {name.removeprefix("of_") for name in names if name.startswith("of_")} == {*Dimension} - {Dimension.CODE}


def test_many_links_are_asked_for_in_several_parameters() -> None:
    links = [LinkKey("go.example.com", f"{number:064}") for number in range(10_000)]
    values = of_scope(Question(0, 1, links=links)).values
    parts = [part for name, part in values.items() if name.startswith("links_")]
    assert [LinkKey(*link) for part in parts for link in part] == links  # type: ignore[attr-defined]
    assert max(len(str(part)) for part in parts) < 64 << 10


def test_a_value_that_names_no_link_is_nobody_s() -> None:
    assert links_told("go.example.com/abc") == [LinkKey("go.example.com", "abc")]
    assert links_told("/abc") == [LinkKey("", "abc")]
    assert links_told("abc") == []
    assert "false" in of_scope(Question(0, 1, where={Dimension.CODE: ["abc"]})).conditions


def test_spans_that_are_none_mean_nothing() -> None:
    assert str(in_quarters()) == str(in_time()) == str(in_days()) == "(false)"
