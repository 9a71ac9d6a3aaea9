"""Links through the API: made, shown, listed, changed, removed."""

from typing import Any

import pytest

from control_api.access.keys import Scope
from tests.integration.control_api.api import DOMAIN, Api

URL = "https://example.com/"


def test_a_made_link_says_where_it_is_and_what_it_does(api: Api) -> None:
    reply = api.ask("POST", "/api/shorten", json={"url": "https://EXAMPLE.com", "alias": "spring", "tags": ["a", "b"]})
    assert reply.status_code == 201
    assert reply.headers["location"] == "/api/links/spring"
    made = reply.json()
    assert reply.headers["etag"] == f'"{made["version"]}"'
    assert made == {
        "code": "spring",
        "short_url": "https://go.example.com/spring",
        "target": "https://example.com/",
        "domain": "",
        "status": 302,
        "cache_control": "private, max-age=0",
        "not_before": None,
        "expires_at": None,
        "max_visits": None,
        "expired_target": None,
        "forward_query": False,
        "title": None,
        "tags": ["a", "b"],
        "enabled": True,
        "created_at": "2027-01-15T08:00:00Z",
        "updated_at": "2027-01-15T08:00:00Z",
        "version": made["version"],
    }


def test_a_link_without_an_alias_gets_a_code_of_seven(api: Api) -> None:
    made = api.shorten()
    assert len(made["code"]) == 7
    assert made["short_url"] == "https://go.example.com/" + made["code"]


def test_every_field_comes_back_as_it_was_sent(api: Api) -> None:
    fields: dict[str, Any] = {
        "status": 301,
        "cache_control": "public, max-age=60",
        "not_before": "2030-01-01T00:00:00Z",
        "expires_at": "2031-01-01T00:00:00Z",
        "expired_target": "https://example.com/over",
        "forward_query": True,
        "title": "Größe 🚀",
        "tags": ["x"],
        "enabled": False,
        "domain": DOMAIN,
    }
    made = api.shorten(alias="all", **fields)
    shown = api.ask("GET", f"/api/links/all?domain={DOMAIN}")
    assert shown.json() == made
    assert {name: made[name] for name in fields} == fields
    assert made["short_url"] == f"https://{DOMAIN}/all"


def test_the_location_of_a_link_of_another_domain_leads_to_it(api: Api) -> None:
    reply = api.ask("POST", "/api/shorten", json={"url": URL, "alias": "here", "domain": DOMAIN})
    assert api.ask("GET", reply.headers["location"]).json()["code"] == "here"
    assert api.ask("GET", "/api/links/here").status_code == 404


def test_a_time_in_another_zone_is_the_same_time(api: Api) -> None:
    assert api.shorten(expires_at="2030-01-01T02:00:00.5+02:00")["expires_at"] == "2030-01-01T00:00:00.500000Z"


def test_an_unknown_link_is_a_problem(api: Api) -> None:
    for method in ("GET", "DELETE", "PATCH"):
        reply = api.ask(method, "/api/links/nothing", json={} if method == "PATCH" else None)
        assert (reply.status_code, reply.json()["type"]) == (404, "/problems/link-not-found")


def test_a_patch_changes_what_it_names_alone(api: Api) -> None:
    made = api.shorten(alias="spring", title="Spring", tags=["a"])
    api.clock.ms += 1_000
    changed = api.ask("PATCH", "/api/links/spring", json={"url": "https://example.com/new", "title": None})
    assert changed.status_code == 200
    link = changed.json()
    assert int(link["version"]) > int(made["version"])
    assert link == made | {
        "target": "https://example.com/new",
        "title": None,
        "updated_at": "2027-01-15T08:00:01Z",
        "version": link["version"],
    }
    assert changed.headers["etag"] == f'"{link["version"]}"'
    assert api.ask("GET", "/api/links/spring").json() == link


def test_a_patch_may_come_as_merge_patch(api: Api) -> None:
    api.shorten(alias="spring")
    headers = {"Content-Type": "application/merge-patch+json"}
    assert (
        api.ask("PATCH", "/api/links/spring", content=b'{"enabled":false}', headers=headers).json()["enabled"] is False
    )


def test_an_empty_patch_changes_nothing(api: Api) -> None:
    made = api.shorten(alias="spring")
    assert api.ask("PATCH", "/api/links/spring", json={}).json() == made


@pytest.mark.parametrize(
    ("body", "kind", "field"),
    [
        ({"url": "javascript:x"}, "target-scheme", "url"),
        ({"url": None}, "invalid-field", "url"),
        ({"alias": "other"}, "invalid-field", "alias"),
        ({"status": 304}, "invalid-field", "status"),
        ({"cache_control": "max-age = 5"}, "cache-control-invalid", "cache_control"),
        ({"title": "a\tb"}, "title-invalid", "title"),
        ({"tags": ["a,b"]}, "tags-invalid", "tags"),
        ({"password": "x"}, "not-yet-supported", "password"),
        ({"not_before": "2031-01-01T00:00:00Z"}, "times-reversed", "expires_at"),
    ],
)
def test_a_bad_patch_changes_nothing(api: Api, body: dict[str, object], kind: str, field: str) -> None:
    made = api.shorten(alias="spring", expires_at="2030-01-01T00:00:00Z")
    reply = api.ask("PATCH", "/api/links/spring", json=body)
    assert (reply.json()["type"], reply.json()["field"]) == (f"/problems/{kind}", field)
    assert api.ask("GET", "/api/links/spring").json() == made


def test_of_two_editors_the_second_is_told_to_read_again(api: Api) -> None:
    api.shorten(alias="spring")
    seen = api.ask("GET", "/api/links/spring").headers["etag"]
    first = api.ask("PATCH", "/api/links/spring", json={"title": "first"}, headers={"If-Match": seen})
    second = api.ask("PATCH", "/api/links/spring", json={"title": "second"}, headers={"If-Match": seen})
    assert first.status_code == 200
    assert (second.status_code, second.json()["type"]) == (412, "/problems/precondition-failed")
    assert second.headers["etag"] == first.headers["etag"]
    assert api.ask("GET", "/api/links/spring").json()["title"] == "first"


@pytest.mark.parametrize(
    ("tag", "status"), [("*", 200), ('"1", {}', 200), ("W/{}", 412), ('"1"', 412), ("nonsense", 412)]
)
def test_if_match_takes_lists_and_any_but_no_weak_tags(api: Api, tag: str, status: int) -> None:
    made = api.shorten(alias="spring")
    headers = {"If-Match": tag.replace("{}", f'"{made["version"]}"')}
    assert api.ask("PATCH", "/api/links/spring", json={"title": "x"}, headers=headers).status_code == status


def test_a_link_that_is_known_already_is_not_sent_again(api: Api) -> None:
    api.shorten(alias="spring")
    etag = api.ask("GET", "/api/links/spring").headers["etag"]
    known = api.ask("GET", "/api/links/spring", headers={"If-None-Match": etag})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", etag)
    assert api.ask("GET", "/api/links/spring", headers={"If-None-Match": '"1"'}).status_code == 200


def test_a_removed_link_is_gone_and_its_alias_free(api: Api) -> None:
    made = api.shorten(alias="spring")
    stale = api.ask("DELETE", "/api/links/spring", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    removed = api.ask("DELETE", "/api/links/spring", headers={"If-Match": f'"{made["version"]}"'})
    assert (removed.status_code, removed.content) == (204, b"")
    assert api.ask("GET", "/api/links/spring").status_code == 404
    assert int(api.shorten(alias="spring")["version"]) > int(made["version"])


def test_a_list_has_every_link_once_over_its_pages(api: Api) -> None:
    for number in range(7):
        api.clock.ms += 1
        api.shorten(alias=f"link{number}")
    codes: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.ask("GET", "/api/links?limit=3&order=oldest" + (f"&cursor={cursor}" if cursor else "")).json()
        assert len(page["links"]) <= 3
        codes += [link["code"] for link in page["links"]]
        cursor = page["next_cursor"]
    assert codes == [f"link{number}" for number in range(7)]


def test_a_list_can_be_narrowed(api: Api) -> None:
    api.shorten("https://example.com/shoes", alias="one", tags=["sale"])
    api.shorten("https://example.com/hats", alias="two", title="Shoes too")
    api.shorten("https://example.com/hats", alias="three", domain=DOMAIN)

    def codes(query: str) -> set[str]:
        return {link["code"] for link in api.ask("GET", f"/api/links?{query}").json()["links"]}

    assert codes("") == {"one", "two", "three"}
    assert codes("search=SHOES") == {"one", "two"}
    assert codes("tag=sale") == {"one"}
    assert codes(f"domain={DOMAIN}") == {"three"}
    assert codes("domain=") == {"one", "two"}


def test_scopes_allow_what_they_say(api: Api) -> None:
    api.shorten(alias="spring")
    reader, writer, counter = (api.key(scope) for scope in (Scope.LINKS_READ, Scope.LINKS_WRITE, Scope.STATS_READ))
    allowed = {
        ("GET", "/api/links"): {reader},
        ("GET", "/api/links/spring"): {reader},
        ("GET", "/api/stats"): {counter},
        ("GET", "/api/stats/spring"): {counter},
        ("GET", "/api/keys"): set(),
        ("DELETE", "/api/links/spring"): {writer},
    }
    for (method, path), holders in allowed.items():
        for key in (reader, counter, writer):
            assert (api.ask(method, path, key=key).status_code < 400) == (key in holders), (method, path)


def test_head_is_get_without_the_body(api: Api) -> None:
    api.shorten(alias="spring")
    assert api.ask("HEAD", "/api/links/spring").status_code == 200
    assert api.ask("HEAD", "/api/links/nothing").status_code == 404
