"""Idempotency-Key: a repeated create makes no second link."""

from control_api.access.keys import Scope
from tests.integration.control_api.api import Api

URL = "https://example.com/"


def test_a_repeated_request_gets_the_same_link_and_is_told_so(api: Api) -> None:
    first = api.ask("POST", "/api/shorten", json={"url": URL}, headers={"Idempotency-Key": '"word"'})
    again = api.ask("POST", "/api/shorten", json={"url": URL}, headers={"Idempotency-Key": '"word"'})
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert api.stored() == 1


def test_quotes_around_the_key_do_not_matter(api: Api) -> None:
    api.ask("POST", "/api/shorten", json={"url": URL}, headers={"Idempotency-Key": '"word"'})
    again = api.ask("POST", "/api/shorten", json={"url": URL}, headers={"Idempotency-Key": "word"})
    assert again.headers["idempotency-replayed"] == "true"


def test_another_request_under_the_same_key_is_refused(api: Api) -> None:
    api.ask("POST", "/api/shorten", json={"url": URL}, headers={"Idempotency-Key": "word"})
    other = api.ask("POST", "/api/shorten", json={"url": URL + "other"}, headers={"Idempotency-Key": "word"})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert other.json()["field"] == "Idempotency-Key"
    assert api.stored() == 1


def test_a_key_whose_link_was_removed_is_spent(api: Api) -> None:
    made = api.ask("POST", "/api/shorten", json={"url": URL}, headers={"Idempotency-Key": "word"}).json()
    api.ask("DELETE", f"/api/links/{made['code']}")
    again = api.ask("POST", "/api/shorten", json={"url": URL}, headers={"Idempotency-Key": "word"})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/idempotency-key-spent")
    assert api.stored() == 0


def test_the_same_word_of_two_clients_does_not_meet(api: Api) -> None:
    for key in (api.key(Scope.LINKS_WRITE), api.key(Scope.LINKS_WRITE)):
        reply = api.ask("POST", "/api/shorten", json={"url": URL}, key=key, headers={"Idempotency-Key": "word"})
        assert "idempotency-replayed" not in reply.headers
    assert api.stored() == 2


def test_a_refused_request_does_not_spend_its_key(api: Api) -> None:
    bad = api.ask("POST", "/api/shorten", json={"url": "ftp://x/"}, headers={"Idempotency-Key": "word"})
    good = api.ask("POST", "/api/shorten", json={"url": URL}, headers={"Idempotency-Key": "word"})
    assert (bad.status_code, good.status_code) == (422, 201)
