"""What every request has: an id, headers of its reply, a place in log and metrics, an answer even when we fail."""

import itertools
import logging
import re
import secrets
import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from control_api import problems
from control_api.access import gate
from control_api.bodies import header
from control_api.request_log import RequestLog, Seen
from shortlink.clock import Clock

UNMATCHED: Final = "unmatched"
_REQUEST_ID: Final = "edge302.request_id"
_ID_PREFIX: Final = secrets.token_hex(4) + "-"  # this process among all
_id_numbers: Final = itertools.count(1)
_SANE_ID: Final = re.compile(rb"[0-9A-Za-z._-]{1,64}")
_log = logging.getLogger("control_api")


class Observed:
    """An app whose requests are logged and measured, and whose failures are answered."""

    def __init__(self, app: ASGIApp, log: RequestLog, clock: Clock) -> None:
        self._app = app
        self._log = log
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        reply = _Reply(send, _id_of(scope))
        scope[_REQUEST_ID] = reply.request_id
        try:
            await self._app(scope, receive, reply.send)
        except Exception:
            # A fault of ours. If the reply is half sent, returning makes the server cut the connection.
            _log.exception("request failed", extra={"request_id": reply.request_id})
            if not reply.status:
                await problems.response(problems.INTERNAL, reply.request_id)(scope, receive, reply.send)
        self._log.note(
            Seen(
                self._clock.now_ms(),
                scope["method"],
                getattr(scope.get("route"), "path_format", UNMATCHED),
                reply.status,
                time.perf_counter() - started,
                gate.caller_id(scope),
                reply.bytes,
                reply.request_id,
            )
        )


def request_id(scope: Scope) -> str:
    """The id of a request under way."""
    found: str = scope[_REQUEST_ID]
    return found


class _Reply:
    """A reply on its way: adds the headers that all have, and remembers what the log wants."""

    __slots__ = ("_send", "bytes", "request_id", "status")

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status = 0  # not begun
        self.bytes = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message["headers"] = list(message["headers"])
            headers += [(b"x-request-id", self.request_id.encode()), (b"x-content-type-options", b"nosniff")]
            if not any(name == b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", b"no-store"))
        else:
            self.bytes += len(message.get("body", b""))
        await self._send(message)


def _id_of(scope: Scope) -> str:
    """The client's X-Request-ID if it is harmless in logs, else a new one."""
    sent = header(scope, b"x-request-id")
    return sent.decode() if sent and _SANE_ID.fullmatch(sent) else f"{_ID_PREFIX}{next(_id_numbers):x}"
