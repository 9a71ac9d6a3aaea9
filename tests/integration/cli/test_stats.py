"""`edge302 stats` on a node whose clicks were really made."""

import json
import time

import httpx
import pytest

from tests.integration.cli.processes import Node

pytestmark = pytest.mark.slow


def test_clicks_are_told_as_a_table_and_as_json(node: Node) -> None:
    short = node("links", "add", "https://example.com/", "--alias", "clicked").strip()
    headers = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    referrer = "https://news.example.com/".ljust(500, "x")
    assert httpx.get(short, headers=headers | {"Referer": referrer}).status_code == 302
    deadline = time.monotonic() + 20
    while json.loads(node("stats", "clicked", "--json"))["clicks"] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert node("stats", "clicked", "--period", "24h").splitlines()[-1].split() == ["all", "1"]
    assert "news.example.com" in node("stats", "--top", "referrer_host")
    lines = node("stats", "--top", "referrer").splitlines()
    assert [lines[0].split()[0], lines[1].split()[0]] == ["CLICKS", "1"]
    assert max(map(len, lines)) <= 80
    assert len(json.loads(node("stats", "--every", "1d", "--period", "7d", "--json"))["points"]) == 7
    assert json.loads(node("stats", "nothing", "--json"))["clicks"] == 0


def test_what_can_not_be_asked_is_told_in_one_line(node: Node) -> None:
    assert "unknown-zone" in node.complaint("stats", "--zone", "Mars/Olympus", code=1)
    assert "dimension" in node.complaint("stats", "--top", "colour", code=1)
