"""Any shortener behind its URLs: make links through its API, and see where they lead."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

import msgspec

from bench.void import Void

CLIENTS: Final = 8  # that make links at once: a service may gather its commits
TIMEOUT_SECONDS: Final = 30
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class Made(NamedTuple):
    """A link. `path`: what to ask the public side for."""

    path: str
    target: str


class Shortener(msgspec.Struct, frozen=True):
    """Where it is, and how it wants to be asked.

    Attributes:
        base_url: its public side, such as http://127.0.0.1:8080.
        api_url: its API; empty: the same.
        api_key: sent as `Authorization: Bearer`; empty: not sent.
        create_path: a POST to it makes a link.
        create_field: the member of the JSON object sent there that holds the target.
    """

    base_url: str
    api_url: str = ""
    api_key: str = ""
    create_path: str = "/api/shorten"
    create_field: str = "url"

    def __post_init__(self) -> None:
        for url in (self.base_url, self.api_url or self.base_url):
            if _split(url).scheme not in ("http", "https") or not _split(url).hostname:
                raise ValueError(f"{url!r} is no URL such as http://127.0.0.1:8080")

    @property
    def public(self) -> SplitResult:
        """Where redirects are asked for."""
        return _split(self.base_url)

    @property
    def api(self) -> SplitResult:
        """Where links are made."""
        return _split(self.api_url or self.base_url)

    def redirect_request(self, link: Made) -> bytes:
        """A raw request for where a link leads."""
        return f"GET {link.path} HTTP/1.1\r\nHost: {self.public.netloc}\r\n\r\n".encode()

    def create_request(self, target: str) -> bytes:
        """A raw request that makes a link."""
        create = self._create(target)
        fields = {"Host": self.api.netloc, **create.fields, "Content-Length": len(create.body)}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"POST {create.path} HTTP/1.1\r\n{head}\r\n".encode() + create.body

    def make(self, targets: Sequence[str]) -> list[Made]:
        """Make a link to each target.

        Raises:
            Void: it can't be reached, or refused.
        """
        with ThreadPoolExecutor(CLIENTS) as pool:
            parts = pool.map(self._make, (targets[start::CLIENTS] for start in range(CLIENTS)))
            return [link for part in parts for link in part]

    def check(self, links: Sequence[Made]) -> int:
        """Ask for each; returns how many there were.

        Raises:
            Void: it can't be reached, or one leads elsewhere.
        """
        for link, reply in zip(links, _ask(self.public, (_Request("GET", link.path) for link in links)), strict=True):
            if reply.status not in REDIRECTS or reply.location != link.target:
                raise Void(f"{link.path} was answered {reply.status} to {reply.location}, not to {link.target}")
        return len(links)

    def _make(self, targets: Sequence[str]) -> list[Made]:
        replies = _ask(self.api, map(self._create, targets))
        return [Made(self._path(reply), target) for target, reply in zip(targets, replies, strict=True)]

    def _create(self, target: str) -> "_Request":
        key = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        body = msgspec.json.encode({self.create_field: target})
        return _Request("POST", self.api.path + self.create_path, body, {**key, "Content-Type": "application/json"})

    def _path(self, reply: "_Reply") -> str:
        """The new link's path, from the reply to its creation."""
        try:
            made = msgspec.json.decode(reply.body, type=_Created)
        except msgspec.DecodeError:
            made = _Created()
        if reply.status // 100 != 2 or not (made.short_url or made.code):
            raise Void(f"POST {self.create_path} was answered {reply.status}: {reply.body[:300]!r}")
        return urlsplit(made.short_url).path if made.short_url else f"{self.public.path}/{made.code}"


class _Created(msgspec.Struct):
    """What is read of a reply to a create: one of both is enough."""

    short_url: str = ""
    code: str = ""


class _Request(NamedTuple):
    method: str
    path: str
    body: bytes = b""
    fields: Mapping[str, str] = {}


class _Reply(NamedTuple):
    status: int
    location: str | None
    body: bytes


def _ask(base: SplitResult, requests: Iterable[_Request]) -> Iterator[_Reply]:
    """One after another on a connection that is opened anew when the server closes it."""
    kind = HTTPSConnection if base.scheme == "https" else HTTPConnection
    with closing(kind(base.netloc, timeout=TIMEOUT_SECONDS)) as connection:
        try:
            for request in requests:
                connection.request(request.method, request.path, request.body or None, dict(request.fields))
                reply = connection.getresponse()
                yield _Reply(reply.status, reply.headers["Location"], reply.read())
        except (OSError, HTTPException) as exc:
            raise Void(f"{base.geturl()} can't be asked: {exc!r}") from exc


def _split(url: str) -> SplitResult:
    return urlsplit(url.rstrip("/"))
