"""Loaded by the run in test_openapi.py: how lines of JSON are sent."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(_: schemathesis.SerializationContext, value: object) -> bytes:
    """A text as it is; anything else, as one line."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()
