"""The control plane in this process, asked like a server would ask it, on real SQLite files."""

import asyncio
import contextlib
import io
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
from starlette.routing import Route

from control_api.access.gate import LocalAdmin
from control_api.access.keys import Scope
from control_api.app import ROUTES, served
from control_api.opening import opened
from control_api.plane import ControlPlane
from control_api.request_log import RequestLog
from shortlink.datadir import DataFolder
from shortlink.settings import Settings

T = TypeVar("T")

DOMAIN = "a.example"
START_MS = 1_800_000_000_000


class ManualClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ms = START_MS

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1_000


class Api:
    """Asks as the holder of the first admin key unless told otherwise."""

    def __init__(self, runner: asyncio.Runner, plane: ControlPlane, clock: ManualClock, admin_key: str) -> None:
        self.use(plane)
        self.clock = clock
        self.admin_key = admin_key
        self.log = io.BytesIO()
        self._runner = runner

    def use(self, plane: ControlPlane) -> None:
        """Ask this control plane from now on."""
        self.plane = plane
        self.app = served(plane)

    def ask(
        self,
        method: str,
        path: str,
        *,
        key: str | None = "",
        local: bool = False,
        **rest: Any,  # noqa: ANN401 - httpx's
    ) -> httpx.Response:
        """Send one request. `key`: empty: the admin key, None: none. `local`: through the control socket."""
        headers = httpx.Headers(rest.pop("headers", None))
        if key is not None and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {key or self.admin_key}"
        return self.run(self._ask(method, path, headers, local, rest))

    async def _ask(
        self, method: str, path: str, headers: httpx.Headers, local: bool, rest: dict[str, Any]
    ) -> httpx.Response:
        app = LocalAdmin(self.app) if local else self.app
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
            return await client.request(method, path, headers=headers, **rest)

    def shorten(self, url: str = "https://example.com/", **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Make a link that must be made."""
        reply = self.ask("POST", "/api/shorten", json={"url": url, **fields})
        assert reply.status_code == 201, reply.text
        made: dict[str, Any] = reply.json()
        return made

    def bulk(self, *lines: bytes | dict[str, Any]) -> list[dict[str, Any]]:
        """Send lines, return the results."""
        texts = [line if isinstance(line, bytes) else msgspec.json.encode(line) for line in lines]
        reply = self.ask(
            "POST",
            "/api/links/bulk",
            content=b"\n".join(texts) + b"\n",
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert reply.status_code == 200, reply.text
        return [msgspec.json.decode(line) for line in reply.content.splitlines()]

    @property
    def routes(self) -> list[Route]:
        """Every route that the app knows."""
        return [route for route in ROUTES if isinstance(route, Route)]

    def key(self, *scopes: Scope, expires_at: int | None = None) -> str:
        """A new key with these scopes."""
        return self.run(self.plane.keys.create("test", frozenset(scopes), expires_at))[1]

    def stored(self) -> int:
        """How many links the store holds."""
        return self.run(self.plane.links.count())

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop that everything here belongs to."""
        return self._runner.run(story)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Api]:
    """A control plane on a data folder, until this context is left."""
    clock = ManualClock()
    data = DataFolder(folder)
    data.create()
    loaded = Settings(data=folder, public_url="https://go.example.com", domains=(DOMAIN,))
    with asyncio.Runner() as runner:
        log = io.BytesIO()
        opening = opened(loaded, data, clock, RequestLog(log))
        plane = runner.run(opening.__aenter__())
        try:
            api = Api(runner, plane, clock, data.admin_key.read_text().strip())
            api.log = log
            yield api
        finally:
            runner.run(opening.__aexit__(None, None, None))
