"""Targets: what is refused, and the one form of what is not."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shortlink.errors import InvalidLink
from shortlink.urls import MAX_TARGET_BYTES, is_safe_target, parse_target

OWN = frozenset({"go.example", "xn--bcher-kva.example", "127.0.0.1", "[::1]"})


def refused(text: str) -> str:
    with pytest.raises(InvalidLink) as caught:
        parse_target(text, OWN)
    assert caught.value.field == "url"
    return caught.value.kind


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTP://ExAmPlE.com:80/A", "http://example.com/A"),
        ("https://example.com:8443/a?b=c#d", "https://example.com:8443/a?b=c#d"),
        ("  https://example.com/  ", "https://example.com/"),
        ("https://bücher.de/straße?q=ü#ö", "https://xn--bcher-kva.de/stra%C3%9Fe?q=%C3%BC#%C3%B6"),
        ("https://example.com/a b\"<>'", "https://example.com/a%20b%22%3C%3E'"),
        ("https://example.com/%0d%0aSet-Cookie:x", "https://example.com/%0d%0aSet-Cookie:x"),
        ("https://user:pw@example.com/", "https://user:pw@example.com/"),
        ("https://example.com/a/../b/./c", "https://example.com/b/c"),
        ("https:\\\\example.com\\a", "https://example.com/a"),
        ("http://192.0.2.1:8080/", "http://192.0.2.1:8080/"),
        ("http://[2001:db8::1]/", "http://[2001:db8::1]/"),
        ("https://example.com/\u202e\u200b", "https://example.com/%E2%80%AE%E2%80%8B"),
    ],
)
def test_a_target_is_stored_as_browsers_write_it(text: str, target: str) -> None:
    assert parse_target(text, OWN) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "/path",
        "//example.com/",
        "https://",
        "https:///",
        "http://%00/",
        "http://a b/",
        "http://1.2.3.4.5/",
        "http://[::1/",
        "http://example.com:99999/",
        "not a url",
    ],
)
def test_what_is_no_url_is_refused(text: str) -> None:
    assert refused(text) == "target-invalid"


@pytest.mark.parametrize("char", [*map(chr, range(32)), "\x7f", "\x80", "\x85", "\x9f", "\u2028", "\u2029", "\ud800"])
@pytest.mark.parametrize(
    "text", ["{}https://example.com/", "ht{}tps://example.com/", "https://example.com/{}", "https://e{}.com/a"]
)
def test_control_characters_are_refused_not_dropped(text: str, char: str) -> None:
    assert refused(text.format(char)) == "target-invalid"


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "ftp://example.com/",
        "file:///etc/passwd",
        "mailto:a@example.com",
        "vbscript:x",
        "blob:https://example.com/x",
        "about:blank",
        "ws://example.com/",
    ],
)
def test_other_schemes_are_refused(text: str) -> None:
    assert refused(text) == "target-scheme"


@pytest.mark.parametrize(
    "text",
    [
        "https://go.example/x",
        "http://GO.EXAMPLE/x",
        "https://go.example./x",
        "https://go.example../x",
        "https://go.example:8443/x",
        "https://user:pw@go.example/x",
        "https://example.com@go.example/x",
        "https:\\\\go.example\\x",
        "https:go.example/x",
        "https://g%6f.example/x",
        "https://go。example/x",
        "https://ｇｏ.example/x",
        "https://g\u00ado.example/x",
        "https://bücher.example/",
        "https://BÜCHER.example/",
        "https://xn--bcher-kva.example/",
        "http://127.0.0.1:8080/x",
        "http://127.1/x",
        "http://2130706433/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://[::1]:8080/",
        "http://[0:0:0:0:0:0:0:1]/",
    ],
)
def test_the_service_itself_is_no_target_however_it_is_written(text: str) -> None:
    assert refused(text) == "own-domain"


@pytest.mark.parametrize("text", ["https://go.example.com/", "https://ago.example/", "https://example.com/go.example"])
def test_names_like_our_own_are_targets(text: str) -> None:
    assert parse_target(text, OWN) == text


def test_the_limit_is_on_what_is_stored() -> None:
    base = "https://example.com/"
    longest = base + "a" * (MAX_TARGET_BYTES - len(base))
    assert parse_target(longest, OWN) == longest
    assert refused(longest + "a") == "target-too-long"
    assert refused(base + "ü" * 1_400) == "target-too-long"  # each becomes %C3%BC
    assert refused(base + "a" * 10_000_000) == "target-too-long"


def test_the_error_names_the_field_asked_for() -> None:
    with pytest.raises(InvalidLink) as caught:
        parse_target("x", OWN, "expired_target")
    assert caught.value.field == "expired_target"


@given(st.text() | st.text().map("https://example.com/{}".format) | st.text().map("http://{}/".format))
@example("http://example.com/\ud83d")
@example("http://\ud800/")
def test_any_text_is_refused_or_becomes_a_safe_fixed_point(text: str) -> None:
    try:
        target = parse_target(text, OWN)
    except InvalidLink:
        return
    assert all("!" <= char <= "~" for char in target)
    assert len(target) <= MAX_TARGET_BYTES
    assert is_safe_target(target)
    assert parse_target(target, OWN) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "javascript:alert(1)",
        "https://",
        "/x",
        "//example.com/",
        "https://example.com/\r\nX: y",
        "https://example.com/ x",
        "https://example.com/ü",
        "https://example.com/\x7f",
        "https://example.com/\n",
        "https://example.com/" + "a" * MAX_TARGET_BYTES,
    ],
)
def test_a_cache_does_not_load_an_unsafe_target(text: str) -> None:
    assert not is_safe_target(text)
