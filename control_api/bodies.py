"""How bodies are read: never more than the limit in memory, and strictly as JSON."""

import json
from collections.abc import Iterable
from typing import Any, Final, TypeVar

import msgspec
from starlette.types import Receive, Scope

from control_api.problems import Problem

T = TypeVar("T")
JSON: Final = ("application/json",)
MERGE_PATCH: Final = ("application/merge-patch+json", "application/json")


async def read(scope: Scope, receive: Receive, limit_bytes: int, media_types: tuple[str, ...] = JSON) -> bytes:
    """The whole body of a request.

    Raises:
        Problem: the media type is none of `media_types`, or the body is longer than the limit.
    """
    require_media_type(scope, media_types)
    declared = header(scope, b"content-length")
    if declared is not None and int(declared) > limit_bytes:  # digits: the HTTP parser saw to that
        raise too_large(limit_bytes)
    parts: list[bytes] = []
    length = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem("invalid-json", "The body ended early.")
        part = message.get("body", b"")
        length += len(part)
        if length > limit_bytes:
            raise too_large(limit_bytes)
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The value that a JSON text holds.

    Raises:
        Problem: invalid-json, or invalid-field naming the field.
    """
    try:
        value = decoder.decode(body)
        _NO_NAME_TWICE.decode(body.decode())
    except msgspec.ValidationError as exc:
        raise _invalid_field(exc) from exc
    except (msgspec.DecodeError, ValueError, RecursionError) as exc:
        raise Problem("invalid-json", f"The body can't be read as JSON: {exc}.") from exc
    return value


def require_media_type(scope: Scope, media_types: tuple[str, ...]) -> None:
    """Refuse a body of another media type; parameters such as charset are let pass."""
    value = header(scope, b"content-type") or b""
    if value.partition(b";")[0].strip().lower().decode("latin-1") not in media_types:
        raise Problem("unsupported-media-type", f"Send the body as {' or '.join(media_types)}.", field="Content-Type")


def header(scope: Scope, name: bytes) -> bytes | None:
    """The value of a header, its name in lower case; None: it was not sent. The first counts."""
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return None


def too_large(limit_bytes: int) -> Problem:
    return Problem("body-too-large", f"Send at most {limit_bytes} bytes.")


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"the name {name!r} stands twice in one object")
        members[name] = value
    return members


# msgspec lets the last of two equal names win; what one reader takes and another overlooks is refused (RFC 8259 §4).
_NO_NAME_TWICE: Final = json.JSONDecoder(object_pairs_hook=_unique)


def _invalid_field(error: msgspec.ValidationError) -> Problem:
    """msgspec's "Expected `str`, got `int` - at `$.url`" as a problem with its field."""
    text, _, path = str(error).partition(" - at `")
    field = path.rstrip("`").removeprefix("$").removeprefix(".")
    if not field and "field `" in text:  # a required field is missing, or a field is unknown
        field = text.partition("field `")[2].rstrip("`")
    where = f"In {field}: " if path and field else ""
    return Problem("invalid-field", f"{where}{text}.", field=field or None)
