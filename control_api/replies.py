"""Replies with a JSON body, encoded by msgspec."""

from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.responses import Response

_ENCODE: Final = msgspec.json.Encoder().encode


def json(view: msgspec.Struct, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A body of the API as a reply."""
    return Response(_ENCODE(view), status, dict(headers or {}), "application/json")
