"""Hosts of referrers."""

import json

import pytest

from clicks.events.referrers import describe_referrer, host_of


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("https://News.Example.com/story?id=1", "news.example.com"),
        ("http://user:secret@example.com:8080/", "example.com"),
        ("https://example.com./", "example.com"),
        ("https://münchen.example/", "xn--mnchen-3ya.example"),
        ("https://XN--MNCHEN-3YA.example/", "xn--mnchen-3ya.example"),
        ("https://exam%70le.com/", "example.com"),
        ("http://0x7f.1/", "127.0.0.1"),
        ("http://[2001:DB8::1]/", "[2001:db8::1]"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("android-app://com.Slack", "com.slack"),
        ("", ""),
        ("about:blank", ""),
        ("example.com", ""),
        ("/relative", ""),
        ("ftp://example.com/", ""),
        ("javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
        ("https://exa mple.com/", ""),
        ("https://", ""),
        ("android-app://" + "a" * 300, ""),
    ],
)
def test_the_host_of_a_referrer(referrer: str, host: str) -> None:
    assert host_of(referrer) == host


def test_the_referrer_stays_as_it_was_sent() -> None:
    sent = "https://Example.com/<script>?q=München"
    assert json.loads(b"{%s}" % describe_referrer(sent.encode())) == {"referrer": sent, "referrer_host": "example.com"}
