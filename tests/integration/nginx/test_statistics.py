"""Statistics through nginx: clicks are told as they come, and exports come whole."""

import json
import socket
from collections.abc import Iterator

from tests.acceptance.node import Node, wait_until
from tests.integration.nginx.front import Front
from tests.integration.node.http import TIMEOUT_SECONDS, Reply

BROWSER = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ARRIVES_SECONDS = 20.0


def test_the_live_feed_tells_a_click_while_it_is_open(site: Front, node: Node) -> None:
    code = node.shorten("https://example.com/live")
    with socket.create_connection(("127.0.0.1", site.port), timeout=TIMEOUT_SECONDS) as client:
        head = (f"GET /api/stats/live?code={code} HTTP/1.1", "Host: go.example", f"Authorization: Bearer {node.key}")
        client.sendall("\r\n".join([*head, "", ""]).encode())
        received = _received(client)
        begun = next(each for each in received if b"retry: " in each)  # nginx would gather this much and more
        reply = Reply(int(begun.split()[1]), begun.partition(b"\r\n\r\n")[0].decode() + "\r\n")
        assert (reply.status, reply.header("Content-Type")) == (200, "text/event-stream; charset=utf-8")
        assert site.ask(f"/{code}", BROWSER, "Referer: https://news.example.com/")[0].status == 302
        told = next(each for each in received if b"\nid: " in each.partition(b"event: click")[2])
        event = json.loads(told.partition(b"event: click\ndata: ")[2].split(b"\n")[0])
        assert (event["code"], event["referrer_host"], event["class"]) == (code, "news.example.com", "human")


def test_an_export_comes_in_chunks_and_whole(site: Front, node: Node) -> None:
    code = node.shorten("https://example.com/export")
    for _ in range(3):
        site.ask(f"/{code}", BROWSER)
    path = f"/api/stats/events.ndjson?code={code}"
    key = f"Authorization: Bearer {node.key}"
    wait_until(lambda: site.ask(path, key)[1].count(b'"code"') == 3, ARRIVES_SECONDS)
    reply, body = site.ask(path, key)
    assert reply.header("Transfer-Encoding") == "chunked"
    assert body.endswith(b"\r\n0\r\n\r\n")
    assert site.ask(path)[0].status == 401


def _received(client: socket.socket) -> Iterator[bytes]:
    """All that came so far, each time that more does."""
    received = b""
    while piece := client.recv(65_536):
        received += piece
        yield received
