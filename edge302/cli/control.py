"""The control plane as the commands see it: JSON over HTTP, on a unix socket or a network."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar

import httpx
import msgspec

from edge302.cli.private_plane import PrivatePlane
from shortlink.datadir import DataFolder
from shortlink.errors import Edge302Error, StoreUnavailable

if TYPE_CHECKING:
    from shortlink.settings import Settings

# A store that commits slowly may take its time; a control plane that is gone shows at once.
_TIMEOUT: Final = httpx.Timeout(60.0, connect=5.0)
Answer = TypeVar("Answer")
PAGE: Final = 500  # the longest page that the API gives
_RETRY_DELAYS_SECONDS: Final = (0.1, 0.3, 1.0, 3.0, 5.0)


class ApiProblem(Edge302Error):
    """The control plane refused a request (RFC 9457).

    Attributes:
        status: the HTTP status.
        kind: the last part of the problem's type, such as "alias-taken".
    """

    def __init__(self, status: int, kind: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.kind = kind

    @classmethod
    def of(cls, reply: httpx.Response) -> Self:
        """The problem that a reply tells, whoever answered: a proxy may do so without problem+json."""
        try:
            problem = msgspec.json.decode(reply.content, type=dict[str, Any])
        except msgspec.DecodeError:
            return cls(reply.status_code, "", f"the control plane answered {reply.status_code}: {reply.text[:200]!r}")
        kind = str(problem.get("type", "")).rpartition("/")[2]
        text = problem.get("detail") or problem.get("title") or f"the control plane answered {reply.status_code}"
        where = f"{problem['field']}: " if problem.get("field") else ""
        return cls(reply.status_code, kind, f"{where}{text} ({kind})" if kind else f"{where}{text}")


class Plane(Protocol):
    """Where the control plane is."""

    def connect(self) -> httpx.Client:
        """A client of a control plane that answers now. StoreUnavailable: there is none."""
        ...

    def close(self) -> None: ...


class RemotePlane:
    """A control plane on a network, entered with an API key."""

    def __init__(self, url: str, key: str | None) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def connect(self) -> httpx.Client:
        return httpx.Client(base_url=self._url, headers=self._headers, timeout=_TIMEOUT)

    def close(self) -> None:
        """Nothing of ours runs there."""


class LocalPlane:
    """The control plane of a data folder: the one that runs there, else one of our own for as long as it is needed."""

    def __init__(self, settings: "Settings") -> None:
        self._folder = DataFolder(settings.data)
        self._private = PrivatePlane(settings)

    def connect(self) -> httpx.Client:
        client = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self._folder.control_socket)),
            base_url="http://control",
            timeout=_TIMEOUT,
        )
        self._private.ensure(lambda: _answers(client))
        return client

    def close(self) -> None:
        self._private.stop()


class ControlPlane:
    """Requests to a control plane. When the one in use goes away, another is looked for."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._client = plane.connect()
        self._reconnecting = threading.Lock()  # an import sends from several threads

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: Mapping[str, Any] | None = None,
        answer: type[Answer] | None,
    ) -> Answer:
        """One request; its answer decoded as `answer` (None: there is none). Raises ApiProblem or StoreUnavailable."""
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        given = {name: value for name, value in (params or {}).items() if value is not None}
        try:
            reply = self._client.request(method, path, content=content, headers=headers, params=given)
        except httpx.HTTPError as exc:
            raise StoreUnavailable(f"the control plane does not answer: {exc}") from exc
        if reply.is_error:
            raise ApiProblem.of(reply)
        return msgspec.json.decode(reply.content or b"null", type=answer)

    def links(self, **query: object) -> tuple[list[dict[str, Any]], str | None]:
        """One page of links and the cursor of the next; None: it is the last."""
        page = self.call("GET", "/api/links", params=query, answer=dict[str, Any])
        return page["links"], page["next_cursor"]

    def walk_links(self, most: int | None, **query: object) -> Iterator[dict[str, Any]]:
        """Links page by page, `most` of them at most (None: all)."""
        cursor, left = None, most
        while left is None or left > 0:
            found, cursor = self.links(**query, cursor=cursor, limit=min(PAGE, left or PAGE))
            yield from found
            if cursor is None:
                return
            left = None if left is None else left - len(found)

    def send_lines(self, path: str, lines: bytes) -> bytes:
        """POST NDJSON whose lines may be sent twice, again and again until it is answered or there is no hope."""
        for delay in (*_RETRY_DELAYS_SECONDS, None):
            client = self._client
            try:
                reply = client.post(path, content=lines, headers={"Content-Type": "application/x-ndjson"})
            except httpx.HTTPError as exc:
                if delay is None:
                    raise StoreUnavailable(f"the control plane does not answer: {exc}") from exc
                time.sleep(delay)
                self._reconnect(client)
                continue
            if not reply.is_error:
                return reply.content
            if delay is None or reply.status_code not in (429, 503):
                raise ApiProblem.of(reply)
            time.sleep(delay)
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        self._client.close()

    def _reconnect(self, broken: httpx.Client) -> None:
        with self._reconnecting:
            if self._client is broken:
                self._client = self._plane.connect()
                broken.close()


@contextmanager
def control_plane(
    settings: "Settings", api_url: str | None, api_key: str | None, *, create: bool
) -> Iterator[ControlPlane]:
    """The control plane at `api_url`, else that of the data folder.

    StoreUnavailable: it can't be reached, or the folder does not exist and `create` is False.
    """
    if not (api_url or create or settings.data.exists()):
        raise StoreUnavailable(f"there is no data folder {settings.data}; name another with --data or EDGE302_DATA")
    plane: Plane = RemotePlane(api_url, api_key) if api_url else LocalPlane(settings)
    try:
        with closing(ControlPlane(plane)) as control:
            yield control
    finally:
        plane.close()


def _answers(client: httpx.Client) -> bool:
    """Whether the control plane is there and ready. ApiProblem: it is there, but something else is wrong."""
    try:
        reply = client.get("/health/ready")
    except httpx.HTTPError:
        return False
    return reply.is_success
