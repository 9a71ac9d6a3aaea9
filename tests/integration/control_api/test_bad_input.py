"""Bad input: each kind has its own problem, names its field, and stores nothing."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from control_api.access.keys import Scope
from tests.integration.control_api.api import DOMAIN, Api

URL = "https://example.com/"
JSON = {"Content-Type": "application/json"}


def refused(api: Api, kind: str, status: int, field: str | None, **request: Any) -> None:  # noqa: ANN401 - httpx's
    """The request to shorten is refused as said, and nothing is stored."""
    before = api.stored()
    reply = api.ask("POST", "/api/shorten", **request)
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert (problem["type"], reply.status_code, problem["status"]) == (f"/problems/{kind}", status, status)
    assert problem.get("field") == field
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == reply.headers["x-request-id"]
    assert api.stored() == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b'{"url": "https://example.com/"',
        b'{"url": "https://example.com/\xff"}',
        b'{"url": "https://example.com/\\ud800"}',
        b'{"url": "https://example.com/", "title": NaN}',
        b'{"url": "https://example.com/", "url": "https://example.com/"}',
        b'{"url": "https://example.com/", "rules": [{"a": ' + b"[" * 30_000 + b"]" * 30_000 + b"}]}",
    ],
)
def test_what_is_not_json(api: Api, body: bytes) -> None:
    refused(api, "invalid-json", 400, None, content=body, headers=JSON)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "url"),
        ({"url": 1}, "url"),
        ({"url": None}, "url"),
        ({"url": URL, "alias": 7}, "alias"),
        ({"url": URL, "status": 304}, "status"),
        ({"url": URL, "tags": "a"}, "tags"),
        ({"url": URL, "enabled": "true"}, "enabled"),
        ({"url": URL, "expires_at": "tomorrow"}, "expires_at"),
        ({"url": URL, "slug": "a"}, "slug"),
    ],
)
def test_a_wrong_type(api: Api, fields: dict[str, object], field: str) -> None:
    refused(api, "invalid-field", 400, field, json=fields)


def test_a_body_of_ten_megabytes(api: Api) -> None:
    refused(api, "body-too-large", 413, None, content=b'{"url":"' + b"x" * 10_000_000, headers=JSON)


def test_a_chunked_body_of_ten_megabytes(api: Api) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 100_000

    refused(api, "body-too-large", 413, None, content=parts(), headers=JSON)


@pytest.mark.parametrize("character", ["\x00", "\t", "\n", "\r", "\x1f", "\x7f"])
def test_control_characters_in_the_target(api: Api, character: str) -> None:
    refused(api, "target-invalid", 422, "url", json={"url": f"https://example.com/{character}a"})


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "ftp://example.com/", "file:///etc/passwd"],
)
def test_a_target_that_is_neither_http_nor_https(api: Api, url: str) -> None:
    refused(api, "target-scheme", 422, "url", json={"url": url})


@pytest.mark.parametrize("url", ["https://go.example.com/a", "http://GO.example.com:8443/", f"https://{DOMAIN}/x"])
def test_a_target_on_an_own_domain(api: Api, url: str) -> None:
    refused(api, "own-domain", 422, "url", json={"url": url})


def test_an_expired_target_on_an_own_domain(api: Api) -> None:
    refused(api, "own-domain", 422, "expired_target", json={"url": URL, "expired_target": "https://go.example.com/a"})


def test_a_target_that_is_too_long(api: Api) -> None:
    refused(api, "target-too-long", 422, "url", json={"url": URL + "a" * 8_000})


def test_a_taken_alias(api: Api) -> None:
    api.shorten(alias="spring")
    refused(api, "alias-taken", 409, "alias", json={"url": URL, "alias": "spring"})


def test_a_reserved_alias(api: Api) -> None:
    refused(api, "alias-reserved", 422, "alias", json={"url": URL, "alias": "healthz"})


@pytest.mark.parametrize("alias", ["", "a b", "a/b", "ü", "a" * 65, "a\n"])
def test_an_alias_that_can_not_be(api: Api, alias: str) -> None:
    refused(api, "alias-invalid", 422, "alias", json={"url": URL, "alias": alias})


def test_an_unknown_domain(api: Api) -> None:
    refused(api, "unknown-domain", 422, "domain", json={"url": URL, "domain": "b.example"})


@pytest.mark.parametrize(("field", "value"), [("password", "x"), ("max_visits", 5), ("max_visits", 5.0), ("rules", [])])
def test_a_field_that_the_edge_does_not_enforce_yet(api: Api, field: str, value: object) -> None:
    refused(api, "not-yet-supported", 422, field, json={"url": URL, field: value})


def test_no_key(api: Api) -> None:
    refused(api, "missing-key", 401, "Authorization", json={"url": URL}, key=None)


@pytest.mark.parametrize("header", ["Bearer e302_AAAAAAAA_" + "a" * 43, "Bearer x", "Basic YTpi", "", "Bearer "])
def test_a_wrong_key(api: Api, header: str) -> None:
    refused(api, "invalid-key", 401, "Authorization", json={"url": URL}, headers={"Authorization": header})


def test_an_expired_key(api: Api) -> None:
    key = api.key(Scope.LINKS_WRITE, expires_at=api.clock.ms + 1)
    api.clock.ms += 1
    refused(api, "expired-key", 401, "Authorization", json={"url": URL}, key=key)


def test_a_revoked_key(api: Api) -> None:
    key = api.key(Scope.LINKS_WRITE)
    [made] = [each for each in api.plane.keys.all() if each.prefix in key]
    assert api.ask("DELETE", f"/api/keys/{made.id}").status_code == 204
    refused(api, "revoked-key", 401, "Authorization", json={"url": URL}, key=key)


def test_a_key_with_another_scope(api: Api) -> None:
    key = api.key(Scope.LINKS_READ, Scope.STATS_READ)
    refused(api, "wrong-scope", 403, None, json={"url": URL}, key=key)


def test_another_media_type(api: Api) -> None:
    refused(api, "unsupported-media-type", 415, "Content-Type", data={"url": URL})


@pytest.mark.parametrize("word", ["", "ä", "a" * 256, "a\tb"])
def test_an_idempotency_key_that_can_not_be(api: Api, word: str) -> None:
    headers = {"Idempotency-Key": word.encode("latin-1")}
    refused(api, "invalid-header", 400, "Idempotency-Key", json={"url": URL}, headers=headers)


def test_who_sends_no_or_a_wrong_key_is_told_the_scheme(api: Api) -> None:
    for key, told in ((None, 'Bearer realm="edge302"'), ("x", 'Bearer realm="edge302", error="invalid_token"')):
        assert api.ask("GET", "/api/links", key=key).headers["www-authenticate"] == told


def test_an_unknown_path(api: Api) -> None:
    reply = api.ask("GET", "/api/nothing")
    assert (reply.status_code, reply.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/api/shorten", "POST"),
        ("PUT", "/api/links/abc", "DELETE, GET, HEAD, PATCH"),
        ("POST", "/api/links", "GET, HEAD"),
        ("DELETE", "/api/keys", "GET, HEAD, POST"),
        ("GET", "/api/links/bulk", "POST"),
        ("PATCH", "/api/links/bulk", "POST"),
        ("BREW", "/health", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(api: Api, method: str, path: str, allow: str) -> None:
    reply = api.ask(method, path)
    assert (reply.status_code, reply.json()["type"]) == (405, "/problems/method-not-allowed")
    assert reply.headers["allow"] == allow


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("order=best", "order"),
        ("cursor=x", "cursor"),
    ],
)
def test_a_wrong_parameter_is_named(api: Api, query: str, field: str) -> None:
    reply = api.ask("GET", f"/api/links?{query}")
    assert (reply.status_code, reply.json()["type"]) == (400, "/problems/invalid-parameter")
    assert reply.json()["field"] == field
