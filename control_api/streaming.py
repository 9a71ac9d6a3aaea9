"""Replies whose length nobody knows when they begin: sent piece by piece, as fast as the client takes them."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Mapping
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shortlink.errors import StoreUnavailable

STALLED_SECONDS: Final = 60.0
HEAD_ONLY: Final = "edge302.head_only"  # in the ASGI scope: the client asked with HEAD
ABORT: Final = "edge302.abort"  # in the ASGI scope: closes the connection, whatever waits in it to be taken

_log = logging.getLogger("control_api")


class Streamed(Response):
    """A reply made of pieces that come from a store.

    The first piece is fetched before the reply begins, so that a store that is away is still a problem with a status.
    A client that is gone, or takes nothing for `stalled_seconds`, ends it, and the store's query with it. When the
    store goes away in between, the connection is cut: what the client has is not whole, and it can tell.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        media_type: str,
        headers: Mapping[str, str] | None = None,
        stalled_seconds: float = STALLED_SECONDS,
    ) -> None:
        super().__init__(None, 200, {"X-Accel-Buffering": "no"} | dict(headers or {}), media_type)
        del self.headers["content-length"]
        self._pieces = pieces
        self._first: bytes | None = None
        self._stalled_seconds = stalled_seconds

    async def begun(self) -> "Streamed":
        """This reply, once its first piece is there. Raises what making the piece raises."""
        self._first = await anext(self._pieces, b"")
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with contextlib.aclosing(self._pieces):
            if scope.get(HEAD_ONLY):
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                await send({"type": "http.response.body", "body": b""})
                return
            sending = asyncio.create_task(self._send(scope, send))
            gone = asyncio.create_task(_gone(receive))
            try:
                await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sending, gone):
                    task.cancel()
                await asyncio.gather(sending, gone, return_exceptions=True)
        if not sending.cancelled() and (error := sending.exception()) is not None:
            raise error

    async def _send(self, scope: Scope, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            if self._first:
                await self._send_piece(self._first, send)
            async for piece in self._pieces:
                await self._send_piece(piece, send)
        except StoreUnavailable as exc:
            _log.warning("cut off a reply whose store went away: %s", exc)
        except TimeoutError:
            _log.warning("cut off a reply that nobody took")
            await abort(scope)
        else:
            await send({"type": "http.response.body", "body": b""})

    async def _send_piece(self, piece: bytes, send: Send) -> None:
        async with asyncio.timeout(self._stalled_seconds):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(0)  # neither sending nor a store in memory need to wait: others have their turn here


async def abort(scope: Scope) -> None:
    """Leave a client that takes nothing. Closing would wait for it to take what was written, for ever: so would
    whoever stops the control plane, and its buffers."""
    if ABORT in scope:
        scope[ABORT]()
        await asyncio.sleep(0)  # the server learns of it before it wonders where the rest of the reply is


async def _gone(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
