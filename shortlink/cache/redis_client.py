"""The shared cache in Redis: a single one, one behind Sentinels, or a cluster; the only file that knows its driver."""

import asyncio
import contextlib
import hashlib
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError
from redis.maint_notifications import MaintNotificationsConfig

from shortlink.cache.contract import Announcement, CacheUnavailable, Copy
from shortlink.cache.entries import decode_announcement, decode_copy, encode_announcement, encode_copy
from shortlink.cache.keys import cursor_key, feed_channel, link_key, run_of
from shortlink.links import LinkKey

Answer = TypeVar("Answer")

LINK_SECONDS: Final = 3_600  # no copy is served for longer, whatever is away
TOMBSTONE_SECONDS: Final = 600  # far longer than a fill that was read before the removal can be under way
LOOK_SECONDS: Final = 1.0
SILENCE_SECONDS: Final = 3.0  # a relay speaks each second: a silent subscription may be half-open, and is made anew
CONNECT_SECONDS: Final = 1.0

# A master's replication id is drawn anew whenever it becomes one: what a failback brings back is of another run.
_TOLD: Final = re.compile(rb"^(run_id|role|master_replid):(\w+)", re.MULTILINE)
# An older copy never replaces a newer one. Versions are text of one length: Lua's numbers end at 2**53.
_KEEP: Final = """
local held = redis.call('GETRANGE', KEYS[1], 0, 15)
if held ~= '' and held > string.sub(ARGV[1], 1, 16) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""
_KEEP_SHA: Final = hashlib.sha1(_KEEP.encode(), usedforsecurity=False).hexdigest()

_log = logging.getLogger(__name__)


class RedisCache:
    """A SharedCache. Nothing waits for a connection that is lost: without one, every call fails at once.

    Args:
        url: redis://, rediss:// or unix://; redis+sentinel://HOST:PORT,HOST:PORT/SERVICE; redis+cluster://HOST:PORT.
        prefix: what every key begins with.
        generation: of the store that copies are of.
        timeout_ms: longest wait for an answer to `get`; writes and announcements may take ten times as long.
    """

    def __init__(self, url: str, *, prefix: str, generation: str, timeout_ms: int) -> None:
        self._prefix = prefix
        self._generation = generation
        self._timeout_seconds = timeout_ms / 1_000
        self._topology = _topology_of(url, self._met)
        self._channel = feed_channel(prefix, generation)
        self._run: str | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def run(self) -> str | None:
        return self._run

    async def open(self) -> None:
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep_connected())

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        self._run = None
        await self._topology.close()

    async def get(self, keys: Sequence[LinkKey]) -> Mapping[LinkKey, Copy]:
        run = self._connected()
        names = [self._name(run, key) for key in keys]
        values = await self._ask(self._topology.mget(names), self._timeout_seconds)
        if run != self._run:  # the answer may be another Redis's, which holds older copies under the same names
            raise CacheUnavailable("Redis was started again or failed over meanwhile")
        return {key: decode_copy(value) for key, value in zip(keys, values, strict=True) if value is not None}

    async def keep(self, copies: Mapping[LinkKey, Copy]) -> None:
        run = self._connected()
        writes = [
            (self._name(run, key), encode_copy(copy), LINK_SECONDS if copy.link is not None else TOMBSTONE_SECONDS)
            for key, copy in copies.items()
        ]
        await self._ask(self._topology.keep(writes), self._timeout_seconds * 10)
        if run != self._run:
            raise CacheUnavailable("Redis was started again or failed over meanwhile")

    async def announce(self, announcement: Announcement) -> None:
        name = cursor_key(self._prefix, self._generation, self._connected())
        patience = self._timeout_seconds * 10
        await self._ask(self._topology.client.set(name, announcement.cursor), patience)
        message = encode_announcement(announcement)
        await self._ask(self._topology.client.execute_command("PUBLISH", self._channel, message), patience)

    async def reached(self) -> str | None:
        name = cursor_key(self._prefix, self._generation, self._connected())
        cursor: bytes | None = await self._ask(self._topology.client.get(name), self._timeout_seconds * 10)
        return None if cursor is None else cursor.decode()

    async def announcements(self) -> AsyncIterator[Announcement | None]:
        while True:
            try:
                async with contextlib.aclosing(self._subscribed()) as messages:
                    async for message in messages:
                        yield message
            except (RedisError, OSError, TimeoutError, CacheUnavailable) as exc:
                _log.debug("the subscription ended: %s", exc)
            await asyncio.sleep(LOOK_SECONDS / 10)

    async def _subscribed(self) -> AsyncGenerator[Announcement | None, None]:
        """What one subscription hears, until it falls silent or breaks."""
        self._connected()
        listener = self._topology.listener()
        pubsub = listener.pubsub()
        try:
            await pubsub.subscribe(self._channel)
            while (message := await pubsub.get_message(timeout=SILENCE_SECONDS)) is not None:
                yield None if message["type"] == "subscribe" else decode_announcement(message["data"])
        finally:
            await pubsub.aclose()  # type: ignore[no-untyped-call]
            await _close(listener)

    async def _keep_connected(self) -> None:
        """Connect, and look each second whether it is the same Redis still."""
        while True:
            was = self._run
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    self._met(await self._topology.look())
            except (RedisError, OSError, TimeoutError, CacheUnavailable) as exc:
                self._run = None
                if was is not None:
                    _log.warning("Redis is away: %s", str(exc) or "no answer in time")
            except Exception:
                self._run = None
                _log.exception("Redis could not be looked at")
            else:
                if was is None:
                    _log.info("Redis is there")
            await asyncio.sleep(LOOK_SECONDS)

    def _met(self, run: str) -> None:
        """Called for each new connection before it is used."""
        self._run = run

    def _connected(self) -> str:
        if self._run is None:
            raise CacheUnavailable("Redis is not connected")
        return self._run

    def _name(self, run: str, key: LinkKey) -> str:
        return link_key(self._prefix, self._generation, run, key)

    async def _ask(self, asking: Awaitable[Answer], seconds: float) -> Answer:
        """The answer in time. CacheUnavailable."""
        try:
            async with asyncio.timeout(seconds):
                return await asking
        except TimeoutError as exc:
            raise CacheUnavailable(f"Redis did not answer within {seconds * 1e3:.0f} ms") from exc
        except (RedisError, OSError) as exc:
            raise CacheUnavailable(f"Redis: {exc}") from exc


Write = tuple[str, bytes, int]  # key, value, seconds until it is forgotten
Met = Callable[[str], None]


class _Topology(Protocol):
    """One way to reach Redis."""

    client: Any  # redis-py's stubs type every command as its answer or a coroutine of it

    async def mget(self, names: Sequence[str]) -> Sequence[bytes | None]: ...

    async def keep(self, writes: Sequence[Write]) -> None: ...

    async def look(self) -> str:
        """The run of what is connected, connecting it if need be."""
        ...

    def listener(self) -> "Redis":
        """A client of its own for a subscription."""
        ...

    async def close(self) -> None: ...


def _topology_of(url: str, met: Met) -> _Topology:
    if url.startswith("redis+cluster://"):
        return _Cluster(url)
    if url.startswith("redis+sentinel://"):
        return _Single(lambda **options: _behind_sentinels(url, options), met)
    return _Single(lambda **options: Redis.from_url(url, **options), met)


class _Single:
    """One Redis, found by its address or through Sentinels."""

    def __init__(self, make: Callable[..., Redis], met: Met) -> None:
        self._make = make
        self._met = met
        self.client: Any = make(redis_connect_func=self._greet, **_OPTIONS)

    async def mget(self, names: Sequence[str]) -> Sequence[bytes | None]:
        values: list[bytes | None] = await self.client.mget(names)
        return values

    async def keep(self, writes: Sequence[Write]) -> None:
        try:
            await self._keep(writes)
        except NoScriptError:
            await self.client.script_load(_KEEP)
            await self._keep(writes)

    async def _keep(self, writes: Sequence[Write]) -> None:
        pipeline = self.client.pipeline(transaction=False)
        for name, value, seconds in writes:
            pipeline.evalsha(_KEEP_SHA, 1, name, value, seconds)
        await pipeline.execute()

    async def look(self) -> str:
        return _run_of([await self.client.execute_command("INFO")])

    def listener(self) -> Redis:
        return self._make(**_OPTIONS)

    async def close(self) -> None:
        await _close(self.client)

    async def _greet(self, connection: Any) -> None:  # noqa: ANN401 (the base of its connections has no public name)
        """Learn whom a new connection leads to before anything is asked on it."""
        await connection.on_connect()
        await connection.send_command("INFO")
        told = _TOLD.findall(bytes(await connection.read_response(disable_decoding=True)))
        self._met(_run_of([{name.decode(): value.decode() for name, value in told}]))


class _Cluster:
    """A cluster: keys by slot, announcements through any node. That a master changed is noticed within a second."""

    def __init__(self, url: str) -> None:
        plain = url.replace("redis+cluster://", "redis://", 1)
        self.client: Any = RedisCluster.from_url(plain, **(_OPTIONS | {"retry": Retry(NoBackoff(), 1)}))

    async def mget(self, names: Sequence[str]) -> Sequence[bytes | None]:
        values: list[bytes | None] = await self.client.mget_nonatomic(names)
        return values

    async def keep(self, writes: Sequence[Write]) -> None:
        pipeline = self.client.pipeline()
        for write in writes:
            pipeline.eval(_KEEP, 1, *write)
        await pipeline.execute()

    async def look(self) -> str:
        await self.client.initialize()
        answers = await self.client.execute_command("INFO", target_nodes=RedisCluster.PRIMARIES)
        return _run_of([answers] if "run_id" in answers else answers.values())  # one node's answer comes bare

    def listener(self) -> Redis:
        node = self.client.get_random_node()
        return Redis(host=node.host, port=node.port, **_OPTIONS)

    async def close(self) -> None:
        await self.client.aclose()


def _behind_sentinels(url: str, options: Mapping[str, Any]) -> Redis:
    """The master of a service. ValueError: the URL names no Sentinel or no service."""
    parts = urlsplit(url)
    service, _, database = parts.path.lstrip("/").partition("/")
    addresses = [(host, int(port or 26_379)) for host, _, port in _split(parts.netloc.rpartition("@")[2])]
    if not service or not addresses:
        raise ValueError("redis+sentinel://HOST:PORT,HOST:PORT/SERVICE names Sentinels and the service they watch")
    sentinel = Sentinel(addresses, sentinel_kwargs={"socket_timeout": CONNECT_SECONDS})  # type: ignore[no-untyped-call]
    secret: dict[str, Any] = {"db": int(database or 0)}
    secret |= {name: unquote(value) for name in ("username", "password") if (value := getattr(parts, name))}
    client: Redis = sentinel.master_for(service, **secret, **options)
    return client


async def _close(client: Redis) -> None:
    """Close a client, and its connections to Sentinels, which it leaves open itself."""
    await client.aclose()
    sentinels = getattr(client.connection_pool, "sentinel_manager", None)
    if sentinels is not None:
        await sentinels.aclose()


def _split(netloc: str) -> list[tuple[str, str, str]]:
    return [address.rpartition(":") if ":" in address else (address, "", "") for address in netloc.split(",")]


def _run_of(infos: Iterable[Mapping[str, object]]) -> str:
    """One run for what each of them told of itself."""
    infos = list(infos)
    if any(info.get("role") != "master" for info in infos):
        raise CacheUnavailable("this Redis is a replica, or does not tell its role (INFO replication)")
    if not infos or not all(info.get("run_id") and info.get("master_replid") for info in infos):
        raise CacheUnavailable("Redis does not tell its run_id and replication id, by which a restart is noticed")
    return run_of(f"{info['run_id']}/{info['master_replid']}" for info in infos)


_OPTIONS: Final[dict[str, Any]] = {
    "protocol": 3,
    "socket_connect_timeout": CONNECT_SECONDS,
    "socket_keepalive": True,
    # An idle connection that the server closed is made anew at once; nothing else is tried again behind our back.
    "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    "maint_notifications_config": MaintNotificationsConfig(enabled=False),
}
