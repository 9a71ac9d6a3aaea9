"""Figures from single clicks: filtered, by interval and zone, compared, and honest about the time they are of."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clicks.counts import TrafficClass
from clicks.questions import MAX_LINKS, Dimension
from clicks.stats import ClickStats
from clicks.stores.memory import MemoryClickStore
from control_api.access.keys import Scope
from shortlink.links import LinkKey, NewLink
from tests.integration.control_api.api import DOMAIN, START_MS
from tests.integration.control_api.clicked import Clicked, click, with_clicks, with_clicks_in_sqlite

BOT, HEAD = TrafficClass.BOT, TrafficClass.HEAD


@pytest.fixture(params=[with_clicks, with_clicks_in_sqlite], ids=["memory", "sqlite"])
def clicked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Clicked]:
    with request.param(tmp_path / "data") as clicked:
        yield clicked


def test_a_summary_tells_clicks_visitors_and_how_fresh_it_is(clicked: Clicked) -> None:
    clicked.fill(click(1), click(2, 1, visitor="8"), click(3, 2, traffic=BOT), click(4, 3, traffic=HEAD))
    summary = clicked.get("summary", period="7d")
    assert summary == {
        "asked": {"since": "2027-01-09T00:00:00Z", "until": "2027-01-16T00:00:00Z"},
        "covered": None,
        "zone": "UTC",
        "freshness": {"newest": "2027-01-15T08:00:00Z"},
        "clicks": 3,
        "visitors": 2,
        "by_class": {"human": 2, "bot": 1},
        "before": None,
    }


def test_a_service_that_nobody_visited_has_zeros(clicked: Clicked) -> None:
    summary = clicked.get("summary")
    assert (summary["clicks"], summary["visitors"], summary["freshness"]["newest"]) == (0, 0, None)
    assert clicked.get("top/country")["values"] == []
    assert [point["clicks"] for point in clicked.get("series", period="7d")["points"]] == [0] * 7


def test_all_begins_with_the_day_of_the_first_click(clicked: Clicked) -> None:
    clicked.fill(click(1, 24 * 400), click(2))
    summary = clicked.get("summary", period="all", zone="Asia/Tokyo")
    assert summary["asked"] == {"since": "2025-12-10T15:00:00Z", "until": "2027-01-15T15:00:00Z"}
    assert summary["clicks"] == 2
    assert len(clicked.get("series", period="all", interval="1mo")["points"]) == 14


@pytest.mark.parametrize(
    ("params", "seqs"),
    [
        ({}, {1, 2, 3, 4, 5}),
        ({"code": "spring"}, {1, 2, 4}),
        ({"code": ["spring", "autumn"]}, {1, 2, 3, 4}),
        ({"code": "spring", "domain": DOMAIN}, {5}),
        ({"domain": DOMAIN}, {5}),
        ({"domain": ""}, {1, 2, 3, 4}),
        ({"bots": "false"}, {1, 3, 5}),
        ({"class": "bot"}, {2, 4}),
        ({"class": ["bot", "head"]}, {2, 4, 6}),
        ({"country": "FR"}, {3}),
        ({"country": ["FR", "DE"], "browser": "Chrome"}, {4}),
        ({"referrer_host": ""}, {2}),
        ({"variant": "1"}, {3}),
        ({"since": "2027-01-15T07:00:00Z"}, {1}),
    ],
)
def test_filters_choose_clicks(clicked: Clicked, params: dict[str, object], seqs: set[int]) -> None:
    clicked.fill(
        click(1),
        click(2, 2, traffic=BOT, referrer_host=""),
        click(3, 3, code="autumn", country="FR", variant=1),
        click(4, 4, browser="Chrome", traffic=BOT),
        click(5, 5, domain=DOMAIN),
        click(6, 6, traffic=HEAD),
    )
    assert clicked.get("summary", **params)["clicks"] == len(seqs)
    lines = clicked.api.ask("GET", "/api/stats/events.ndjson", params=params).text.splitlines()
    assert {int(line.split('"seq":')[1].split(",")[0]) for line in lines} == seqs


def test_a_tag_stands_for_the_links_that_have_it_now(clicked: Clicked) -> None:
    clicked.api.shorten(alias="spring", tags=["sale"])
    clicked.api.shorten(alias="autumn", tags=["sale"])
    clicked.api.shorten(alias="winter")
    clicked.fill(click(1), click(2, code="autumn"), click(3, code="winter"))
    assert clicked.get("summary", tag="sale")["clicks"] == 2
    assert clicked.get("summary", tag="sale", code="autumn")["clicks"] == 1
    assert clicked.get("summary", tag="sale", code="winter")["clicks"] == 0
    assert clicked.get("summary", tag="nothing")["clicks"] == 0


def test_a_tag_of_too_many_links_is_refused(clicked: Clicked) -> None:
    links = [NewLink(target="https://example.com/", tags=("sale",)) for _ in range(MAX_LINKS + 1)]
    clicked.api.run(clicked.api.plane.links.add(links))
    assert clicked.refused("summary", tag="sale") == (422, "too-many-links", "tag")
    assert clicked.get("summary", tag="sale", domain=DOMAIN)["clicks"] == 0


def test_days_are_those_of_the_zone(clicked: Clicked) -> None:
    clicked.fill(click(1, 7), click(2, 9))  # 02:00 and, the day before in Berlin too, 24:00 less an hour in UTC
    points = clicked.get("series", since="2027-01-14", until="2027-01-15", zone="Europe/Berlin")["points"]
    assert [(point["start"], point["clicks"], point["visitors"]) for point in points] == [
        ("2027-01-13T23:00:00Z", 0, None),
        ("2027-01-14T23:00:00Z", 2, None),
    ]
    points = clicked.get("series", since="2027-01-14", until="2027-01-15")["points"]
    assert [(point["start"], point["clicks"], point["visitors"]) for point in points] == [
        ("2027-01-14T00:00:00Z", 1, 1),
        ("2027-01-15T00:00:00Z", 1, 1),
    ]


def test_a_day_that_is_not_over_has_no_visitors_in_a_series_and_those_before_have(clicked: Clicked) -> None:
    clicked.fill(click(1), click(2, 24))
    points = clicked.get("series", since="2027-01-14", until="2027-01-15T08:07:00Z")["points"]
    assert [(point["end"], point["clicks"], point["visitors"]) for point in points] == [
        ("2027-01-15T00:00:00Z", 1, 1),
        ("2027-01-15T08:15:00Z", 1, None),
    ]


def test_a_comparison_tells_the_change_and_no_percent_of_nothing(clicked: Clicked) -> None:
    clicked.fill(*(click(seq) for seq in range(1, 4)), *(click(seq, 24 * 7 + 1) for seq in range(4, 6)))
    before = clicked.get("summary", period="7d", compare="previous")["before"]
    assert before["asked"] == {"since": "2027-01-02T00:00:00Z", "until": "2027-01-08T08:15:00Z"}
    assert (before["clicks"], before["change"]) == (2, {"absolute": 1, "percent": 50.0})
    before = clicked.get("summary", period="7d", compare="year-ago")["before"]
    assert (before["clicks"], before["change"]) == (0, {"absolute": 3, "percent": None})
    before = clicked.get("summary", period="7d", compare_since="2027-01-08")["before"]
    assert before["asked"]["since"] == "2027-01-08T00:00:00Z"


def test_the_top_is_compared_value_by_value(clicked: Clicked) -> None:
    clicked.fill(
        click(1, country="DE"), click(2, country="DE"), click(3, country="FR"),
        click(4, 24 * 8, country="DE"), click(5, 24 * 8, country="IT"),
    )  # fmt: skip
    top = clicked.get("top/country", period="7d", compare="previous", limit=2)
    assert [(value["value"], value["clicks"], value["before"]["clicks"]) for value in top["values"]] == [
        ("DE", 2, 1), ("FR", 1, 0),
    ]  # fmt: skip
    assert top["values"][0]["before"]["change"] == {"absolute": 1, "percent": 100.0}


@pytest.mark.parametrize("dimension", list(Dimension))
def test_every_dimension_has_a_top_and_a_comparison(clicked: Clicked, dimension: Dimension) -> None:
    clicked.fill(click(1), click(2, domain=DOMAIN), click(3, 24 * 8))
    values = clicked.get(f"top/{dimension}", period="7d", compare="previous")["values"]
    assert sum(value["clicks"] for value in values) == 2
    assert sum(value["before"]["clicks"] for value in values) == 1


def test_a_series_is_compared_interval_by_interval(clicked: Clicked) -> None:
    clicked.fill(click(1), click(2, 24 * 7))
    series = clicked.get("series", period="7d", compare="previous")
    assert [point["clicks"] for point in series["points"]] == [0, 0, 0, 0, 0, 0, 1]
    assert [point["clicks"] for point in series["before"]["points"]] == [0, 0, 0, 0, 0, 0, 1]
    assert series["before"]["points"][-1]["end"] == "2027-01-08T08:15:00Z"


@pytest.mark.parametrize(
    ("path", "params", "problem"),
    [
        ("summary", {"zone": "Mars/Olympus"}, (422, "unknown-zone", "zone")),
        ("summary", {"since": "yesterday"}, (422, "span-invalid", "since")),
        ("summary", {"until": "2027-01-01"}, (422, "span-invalid", "since")),
        ("summary", {"period": "7d", "since": "2027-01-01"}, (422, "span-invalid", "since")),
        ("summary", {"since": "2027-01-02", "until": "2027-01-01"}, (422, "span-invalid", "since")),
        ("summary", {"period": "8d"}, (400, "invalid-parameter", "period")),
        ("summary", {"class": "robot"}, (400, "invalid-parameter", "class")),
        ("summary", {"code": "a/b"}, (400, "invalid-parameter", "code")),
        ("summary", {"contry": "DE"}, (400, "invalid-parameter", "contry")),
        ("summary", {"tag": ["a", "b"]}, (400, "invalid-parameter", "tag")),
        ("summary", {"compare": "previous", "compare_since": "2026-01-01"}, (422, "span-invalid", "compare_since")),
        ("summary", {"compare_since": "2026"}, (422, "span-invalid", "compare_since")),
        ("summary", {"since": "2000-01-02", "compare": "previous"}, (422, "span-invalid", "compare")),
        ("series", {"interval": "7m"}, (422, "interval-invalid", "interval")),
        ("series", {"interval": "x"}, (400, "invalid-parameter", "interval")),
        ("series", {"interval": "15m", "period": "12mo"}, (422, "interval-invalid", "interval")),
        ("top/colour", {}, (400, "invalid-parameter", "dimension")),
        ("top/country", {"limit": 0}, (400, "invalid-parameter", "limit")),
        ("events.csv", {"compare": "previous"}, (400, "invalid-parameter", "compare")),
    ],
)  # fmt: skip
def test_what_can_not_be_asked_is_refused_with_its_field(
    clicked: Clicked, path: str, params: dict[str, str], problem: tuple[int, str, str]
) -> None:
    assert clicked.refused(path, **params) == problem


def test_without_single_clicks_the_setting_is_named(clicked: Clicked) -> None:
    api = clicked.api
    api.use(replace(api.plane, clicks=ClickStats(MemoryClickStore(api.clock), api.clock)))
    paths = ("summary", "series", "top/country", "events.csv", "events.ndjson", "live")
    for method, path in [("GET", path) for path in paths] + [("DELETE", "spring"), ("DELETE", "visitors/2027-01-15/7")]:
        problem = api.ask(method, f"/api/stats/{path}").json()
        assert problem["type"] == "/problems/events-off", path
        assert "EDGE302_EVENTS=true" in problem["detail"]
    assert api.ask("GET", "/api/stats").status_code == 200


def test_a_key_for_links_sees_no_statistics(clicked: Clicked) -> None:
    key = clicked.api.key(Scope.LINKS_READ, Scope.LINKS_WRITE)
    for path in ("summary", "series", "top/country", "events.csv", "events.ndjson", "live", "orphans"):
        assert clicked.api.ask("GET", f"/api/stats/{path}", key=key).status_code == 403
        assert clicked.api.ask("GET", f"/api/stats/{path}?zone=nowhere", key=None).status_code == 401


def test_a_links_clicks_are_deleted_by_an_admin(clicked: Clicked) -> None:
    clicked.fill(click(1), click(2), click(3, code="autumn"), click(4, domain=DOMAIN))
    assert clicked.api.ask("DELETE", "/api/stats/spring", key=clicked.api.key(Scope.STATS_READ)).status_code == 403
    reply = clicked.api.ask("DELETE", "/api/stats/spring")
    assert reply.json() == {"clicks": 2, "kept": ["total", "today", "last_24h", "by_class"]}
    assert clicked.get("summary")["clicks"] == 2
    assert clicked.api.ask("DELETE", f"/api/stats/spring?domain={DOMAIN}").json()["clicks"] == 1
    assert clicked.api.ask("DELETE", "/api/stats/nothing").json()["clicks"] == 0


def test_a_visitors_day_is_deleted_by_an_admin(clicked: Clicked) -> None:
    clicked.fill(click(1), click(2, visitor="18446744073709551615"), click(3, 24))
    assert clicked.api.ask("DELETE", "/api/stats/visitors/2027-01-15/18446744073709551615").json()["clicks"] == 1
    assert clicked.api.ask("DELETE", "/api/stats/visitors/2027-01-15/7").json()["clicks"] == 1
    assert clicked.get("summary")["clicks"] == 1
    for path, status in (
        ("2027-13-01/7", 422),
        ("today/7", 400),
        ("2027-01-15/0", 400),
        ("2027-01-15/x", 400),
        (f"2027-01-15/{1 << 64}", 400),
    ):
        assert clicked.api.ask("DELETE", f"/api/stats/visitors/{path}").status_code == status


def test_codes_that_no_link_has_are_listed(clicked: Clicked) -> None:
    store = clicked.api.plane.clicks._store
    clicked.api.run(store.add_orphans({LinkKey("", "welcom"): 3, LinkKey(DOMAIN, "x"): 5}, START_MS))
    assert clicked.get("orphans", limit=1)["orphans"] == [
        {"domain": DOMAIN, "code": "x", "clicks": 5, "last_at": "2027-01-15T08:00:00Z"}
    ]
    assert len(clicked.get("orphans")["orphans"]) == 2


def test_a_link_whose_code_is_a_word_of_these_paths_can_be_asked_about(clicked: Clicked) -> None:
    clicked.fill(click(1, code="summary"), click(2, code="live"))
    assert clicked.get("summary", code="summary")["clicks"] == 1
    assert clicked.api.ask("DELETE", "/api/stats/live").json()["clicks"] == 1
