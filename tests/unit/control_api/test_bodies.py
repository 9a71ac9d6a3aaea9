"""Bodies: strict JSON, limits that hold while reading, faults that name their field."""

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from control_api import bodies
from control_api.problems import Problem
from control_api.schemas import NewLinkBody

DECODER = msgspec.json.Decoder(NewLinkBody)
LIMIT = 100


class Client:
    """An ASGI client whose body comes in the given parts, and which counts how many were asked for."""

    def __init__(self, parts: Iterable[bytes], headers: dict[str, str] | None = None) -> None:
        fields = {"content-type": "application/json"} | (headers or {})
        self.scope = {"headers": [(name.encode(), value.encode()) for name, value in fields.items()]}
        self._parts = list(parts)
        self.asked = 0

    async def receive(self) -> dict[str, Any]:
        self.asked += 1
        if self.asked > len(self._parts):
            return {"type": "http.disconnect"}
        more = self.asked < len(self._parts)
        return {"type": "http.request", "body": self._parts[self.asked - 1], "more_body": more}

    def read(self) -> bytes:
        return asyncio.run(bodies.read(self.scope, self.receive, LIMIT))


def refusal(client: Client) -> str:
    with pytest.raises(Problem) as raised:
        client.read()
    return raised.value.kind


def test_parts_are_joined() -> None:
    assert Client([b"ab", b"", b"cd"]).read() == b"abcd"


def test_a_body_as_long_as_the_limit_is_read() -> None:
    assert Client([b"x" * LIMIT]).read() == b"x" * LIMIT


def test_a_declared_length_over_the_limit_is_refused_before_any_byte_is_read() -> None:
    client = Client([b"x"], {"content-length": "101"})
    assert refusal(client) == "body-too-large"
    assert client.asked == 0


def test_a_chunked_body_is_refused_as_soon_as_it_passes_the_limit() -> None:
    client = Client([b"x" * 60] * 1_000)
    assert refusal(client) == "body-too-large"
    assert client.asked == 2


def test_a_client_that_goes_away_has_no_body() -> None:
    assert refusal(Client([])) == "invalid-json"


@pytest.mark.parametrize("media_type", ["text/plain", "", "application/x-www-form-urlencoded", "application/jsonp"])
def test_another_media_type_is_refused(media_type: str) -> None:
    assert refusal(Client([b"{}"], {"content-type": media_type})) == "unsupported-media-type"


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_parameters_and_case_of_the_media_type_do_not_matter(media_type: str) -> None:
    assert Client([b"{}"], {"content-type": media_type}).read() == b"{}"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"url=https://example.com",
        b'{"url":"https://example.com/"} x',
        b'{"url":"https://example.com/",}',
        b"\xef\xbb\xbf" + b'{"url":"https://example.com/"}',
        '{"url":"https://example.com/"}'.encode("utf-16"),
        b'{"url":"https://example.com/\xff"}',
        b'{"url":"https://example.com/\\ud800"}',
        b'{"url":"https://example.com/\x01"}',
        b'{"url":NaN}',
        b'{"url":"https://example.com/","title":"a","title":"b"}',
        b'{"url":"https://example.com/","titl\\u0065":"a","title":"b"}',
        b'{"url":"https://example.com/","rules":[{"a":1,"a":2}]}',
        b'{"url":"https://example.com/","rules":[{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_not_strict_json_is_refused(text: bytes) -> None:
    with pytest.raises(Problem) as raised:
        bodies.decode(DECODER, text)
    # A list where an object belongs is found before its end is missed.
    assert raised.value.kind in ("invalid-json", "invalid-field")
    assert len(raised.value.detail) < 300


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b"{}", "url"),
        (b'{"url":1}', "url"),
        (b'{"url":null}', "url"),
        (b'{"url":["https://example.com/"]}', "url"),
        (b'{"url":"https://example.com/","status":"302"}', "status"),
        (b'{"url":"https://example.com/","status":true}', "status"),
        (b'{"url":"https://example.com/","status":304}', "status"),
        (b'{"url":"https://example.com/","status":1e400}', "status"),
        (b'{"url":"https://example.com/","status":' + b"9" * 5_000 + b"}", "status"),
        (b'{"url":"https://example.com/","tags":[1]}', "tags[0]"),
        (b'{"url":"https://example.com/","expires_at":"2030-01-01T00:00:00"}', "expires_at"),
        (b'{"url":"https://example.com/","expires_at":1893456000}', "expires_at"),
        (b'{"url":"https://example.com/","expires_at":"2030-02-30T00:00:00Z"}', "expires_at"),
        (b'{"url":"https://example.com/","enabled":"yes"}', "enabled"),
        (b'{"url":"https://example.com/","slug":"a"}', "slug"),
    ],
)
def test_a_wrong_field_is_named(text: bytes, field: str) -> None:
    with pytest.raises(Problem) as raised:
        bodies.decode(DECODER, text)
    assert (raised.value.kind, raised.value.field) == ("invalid-field", field)


def test_an_array_is_no_link() -> None:
    with pytest.raises(Problem) as raised:
        bodies.decode(DECODER, b"[]")
    assert (raised.value.kind, raised.value.field) == ("invalid-field", None)


def test_equal_names_in_different_objects_are_fine() -> None:
    body = bodies.decode(DECODER, b'{"url":"https://example.com/","rules":[{"a":1},{"a":1}]}')
    assert body.rules == [{"a": 1}, {"a": 1}]
