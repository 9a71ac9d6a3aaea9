"""API keys through the API."""

import pytest

from tests.integration.control_api.api import Api


def test_a_made_key_is_shown_once_and_does_what_its_scopes_say(api: Api) -> None:
    made = api.ask("POST", "/api/keys", json={"name": "website", "scopes": ["links:read"]})
    assert made.status_code == 201
    key = made.json()["key"]
    assert api.ask("GET", "/api/links", key=key).status_code == 200
    assert api.ask("GET", "/api/stats", key=key).status_code == 403
    listed = api.ask("GET", "/api/keys")
    assert [each["name"] for each in listed.json()["keys"]] == ["first admin key", "website"] or [
        each["name"] for each in listed.json()["keys"]
    ] == ["website", "first admin key"]  # made in the same millisecond
    assert key not in listed.text


def test_a_list_tells_when_a_key_was_last_used(api: Api) -> None:
    key = api.ask("POST", "/api/keys", json={"name": "website", "scopes": ["links:read"]}).json()
    api.clock.ms += 60_000
    api.ask("GET", "/api/links", key=key["key"])
    [shown] = [each for each in api.ask("GET", "/api/keys").json()["keys"] if each["id"] == key["id"]]
    assert (key["last_used_at"], shown["last_used_at"]) == (None, "2027-01-15T08:01:00Z")


def test_a_revoked_key_stops_at_once_and_stays_listed(api: Api) -> None:
    key = api.ask("POST", "/api/keys", json={"name": "website", "scopes": ["admin"]}).json()
    assert api.ask("DELETE", f"/api/keys/{key['id']}").status_code == 204
    assert api.ask("GET", "/api/keys", key=key["key"]).json()["type"] == "/problems/revoked-key"
    [shown] = [each for each in api.ask("GET", "/api/keys").json()["keys"] if each["id"] == key["id"]]
    assert shown["revoked_at"] == "2027-01-15T08:00:00Z"


def test_an_unknown_key_can_not_be_revoked(api: Api) -> None:
    reply = api.ask("DELETE", "/api/keys/key_unknown")
    assert (reply.status_code, reply.json()["type"]) == (404, "/problems/key-not-found")


@pytest.mark.parametrize(
    ("body", "kind", "field"),
    [
        ({"scopes": ["admin"]}, "invalid-field", "name"),
        ({"name": "", "scopes": ["admin"]}, "invalid-field", "name"),
        ({"name": "a\nb", "scopes": ["admin"]}, "invalid-field", "name"),
        ({"name": "a", "scopes": []}, "invalid-field", "scopes"),
        ({"name": "a", "scopes": ["all"]}, "invalid-field", "scopes[0]"),
        ({"name": "a", "scopes": ["admin"], "expires_at": "2020-01-01T00:00:00Z"}, "time-out-of-range", "expires_at"),
    ],
)
def test_a_bad_key_is_not_made(api: Api, body: dict[str, object], kind: str, field: str) -> None:
    reply = api.ask("POST", "/api/keys", json=body)
    assert (reply.json()["type"], reply.json()["field"]) == (f"/problems/{kind}", field)
    assert len(api.plane.keys.all()) == 1


def test_who_is_on_the_machine_needs_no_key(api: Api) -> None:
    assert (
        api.ask("POST", "/api/keys", json={"name": "a", "scopes": ["admin"]}, key=None, local=True).status_code == 201
    )
    assert api.ask("POST", "/api/keys", json={"name": "a", "scopes": ["admin"]}, key=None).status_code == 401
