"""What every reply carries and every request leaves behind, also when things fail."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.control_api.api import Api

URL = "https://example.com/"


def lines(api: Api) -> list[dict[str, Any]]:
    """The request log so far."""
    api.plane.log.flush()
    return [json.loads(line) for line in api.log.getvalue().splitlines()]


def close_the_store(api: Api) -> None:
    """From now on the store does not answer."""
    api.run(api.plane.links.close())


def test_every_reply_has_an_id_and_may_be_neither_guessed_at_nor_kept(api: Api) -> None:
    for path in ("/api/links", "/api/nothing", "/health/live"):
        headers = api.ask("GET", path).headers
        assert headers["x-request-id"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_no_two_requests_share_an_id(api: Api) -> None:
    assert len({api.ask("GET", "/health/live").headers["x-request-id"] for _ in range(10)}) == 10


def test_a_sane_id_of_the_client_is_kept(api: Api) -> None:
    reply = api.ask("GET", "/api/nothing", headers={"X-Request-ID": "job-7.a_B"})
    assert reply.headers["x-request-id"] == reply.json()["request_id"] == "job-7.a_B"


@pytest.mark.parametrize("sent", ["a" * 65, 'a"b', "a b", "", "ü"])
def test_another_one_is_replaced(api: Api, sent: str) -> None:
    assert (
        api.ask("GET", "/health/live", headers={"X-Request-ID": sent.encode("latin-1")}).headers["x-request-id"] != sent
    )


def test_a_request_is_one_line_with_its_route_not_its_path(api: Api) -> None:
    api.shorten(alias="spring")
    api.ask("GET", "/api/links/spring?search=secret", headers={"X-Request-ID": "mine"})
    line = lines(api)[-1]
    assert line.pop("duration_ms") >= 0
    assert line.pop("pid")
    [key] = api.plane.keys.all()
    assert line == {
        "ts": "2027-01-15T08:00:00Z",
        "level": "info",
        "role": "api",
        "msg": "request",
        "method": "GET",
        "route": "/api/links/{code}",
        "status": 200,
        "key": key.id,
        "bytes": line["bytes"],
        "request_id": "mine",
    }


def test_a_path_that_leads_nowhere_has_no_route(api: Api) -> None:
    api.ask("GET", "/nothing/" + "x" * 100)
    assert (lines(api)[-1]["route"], lines(api)[-1]["key"]) == ("unmatched", None)


def test_who_comes_through_the_control_socket_is_called_local(api: Api) -> None:
    api.ask("GET", "/api/links", key=None, local=True)
    assert lines(api)[-1]["key"] == "local"


def test_a_fault_of_ours_is_a_problem_and_in_the_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    object.__setattr__(api.plane, "links", None)
    for method, path, body in (("GET", "/api/links", None), ("POST", "/api/shorten", {"url": URL})):
        reply = api.ask(method, path, json=body, headers={"X-Request-ID": "mine"})
        assert (reply.status_code, reply.json()["type"]) == (500, "/problems/internal")
        assert reply.json()["request_id"] == "mine"
        assert "NoneType" not in reply.text
        assert caplog.records[-1].request_id == "mine"  # type: ignore[attr-defined]
        assert caplog.records[-1].exc_info
        assert lines(api)[-1]["status"] == 500


def test_a_store_that_does_not_answer_is_said_to_come_back(api: Api) -> None:
    close_the_store(api)
    for method, path, body in (("GET", "/api/links", None), ("POST", "/api/shorten", {"url": URL})):
        reply = api.ask(method, path, json=body)
        assert (reply.status_code, reply.json()["type"]) == (503, "/problems/store-unavailable")
        assert reply.headers["retry-after"] == "1"


def test_lines_that_could_not_be_stored_say_so_each(api: Api) -> None:
    close_the_store(api)
    results = api.bulk({"url": URL}, b"no json", {"url": URL})
    assert [result["status"] for result in results] == [503, 400, 503]


def test_health_tells_live_from_ready(api: Api) -> None:
    assert api.ask("GET", "/health/live", key=None).json() == {"status": "ok"}
    assert api.ask("GET", "/health/ready", key=None).json() == {"status": "ok"}
    close_the_store(api)
    assert api.ask("GET", "/health/live", key=None).status_code == 200
    reply = api.ask("GET", "/health/ready", key=None)
    assert (reply.status_code, reply.json()["type"], reply.headers["retry-after"]) == (503, "/problems/not-ready", "1")


def test_health_names_the_part_that_is_not_well(api: Api, tmp_path: Path) -> None:
    api.clock.ms += 5_000
    well = api.ask("GET", "/health", key=None).json()
    assert (well["status"], well["store"], well["clicks"], well["uptime_seconds"]) == ("ok", "ok", "ok", 5)
    close_the_store(api)
    (tmp_path / "data" / "clicks.db").write_bytes(b"no database at all" * 100)
    ill = api.ask("GET", "/health", key=None)
    assert ill.status_code == 200
    assert (ill.json()["status"], ill.json()["store"], ill.json()["clicks"]) == (
        "degraded",
        "unavailable",
        "unavailable",
    )
