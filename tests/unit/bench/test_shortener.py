"""Any shortener can be measured: one that has another API than ours, and one whose redirects are wrong."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.shortener import Made, Shortener
from bench.void import Void
from devstack.processes import free_port

TARGETS = [f"https://example.com/{number}" for number in range(20)]


class Foreign(BaseHTTPRequestHandler):
    """A shortener that takes `long` at /links, knows one key, and lives below /s."""

    protocol_version = "HTTP/1.1"
    links: dict[str, str]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if (self.path, self.headers["Authorization"]) != ("/links", "Bearer secret"):
            return self.answer(401, b"no")
        code = f"c{hash(body['long'])}"
        self.links[f"/s/{code}"] = body["long"]
        return self.answer(201, json.dumps({"short_url": f"https://elsewhere.example/s/{code}"}).encode())

    def do_GET(self) -> None:
        self.answer(301, b"", Location=self.links.get(self.path, "https://example.com/lost"))

    def answer(self, status: int, body: bytes, **fields: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **fields}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def foreign() -> Iterator[Callable[..., Shortener]]:
    handler = type("Handler", (Foreign,), {"links": {}})
    with serving(handler) as url:

        def shortener(api_key: str = "secret", create_path: str = "/links") -> Shortener:
            return Shortener(url, api_key=api_key, create_path=create_path, create_field="long")

        yield shortener


def test_links_are_made_through_another_api_than_ours_and_lead_to_their_targets(
    foreign: Callable[..., Shortener],
) -> None:
    links = foreign().make(TARGETS)
    assert sorted(link.target for link in links) == sorted(TARGETS)
    assert all(link.path.startswith("/s/") for link in links)
    assert foreign().check(links) == len(TARGETS)


def test_one_wrong_location_voids_the_run(foreign: Callable[..., Shortener]) -> None:
    links = foreign().make(TARGETS)
    with pytest.raises(Void, match=r"https://example\.com/lost"):
        foreign().check([*links, Made("/s/unknown", "https://example.com/right")])


@pytest.mark.parametrize("wrong", [{"api_key": "other"}, {"create_path": "/nothing"}])
def test_a_refused_create_is_told_with_what_was_answered(
    foreign: Callable[..., Shortener], wrong: dict[str, str]
) -> None:
    with pytest.raises(Void, match=r"was answered 401: b'no'"):
        foreign(**wrong).make(TARGETS)


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(Void, match="can't be asked"):
        Shortener(f"http://127.0.0.1:{free_port()}").make(TARGETS)


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://example.com", "http://", ""])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no URL"):
        Shortener(url)


def test_raw_requests_are_those_of_a_client() -> None:
    shortener = Shortener("https://go.example", api_url="http://127.0.0.1:8081", api_key="k")
    assert shortener.redirect_request(Made("/abc", "")) == b"GET /abc HTTP/1.1\r\nHost: go.example\r\n\r\n"
    assert shortener.create_request("http://x/") == (
        b"POST /api/shorten HTTP/1.1\r\nHost: 127.0.0.1:8081\r\nAuthorization: Bearer k\r\n"
        b'Content-Type: application/json\r\nContent-Length: 19\r\n\r\n{"url":"http://x/"}'
    )
