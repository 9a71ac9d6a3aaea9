"""Every setting of edge302: its variable, default, unit and meaning, in one frozen object."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import can_ada
import msgspec
from msgspec import Meta

from shortlink.errors import Edge302Error

PREFIX: Final = "EDGE302_"

Port = Annotated[int, Meta(ge=0, le=65_535)]
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]


class BadSetting(Edge302Error, ValueError):
    """A setting can't be used; the text is one line that names its variable."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator decides. Each field is `EDGE302_<NAME>` in the environment."""

    data: Annotated[Path, Meta(description="folder for links, clicks, spool and keys")] = Path("data")
    host: Annotated[str, Meta(description="address the edge and the control plane listen on")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="port of the edge (0: any free one)")] = 8080
    api_port: Annotated[Port, Meta(description="port of the control plane (0: any free one)")] = 8081
    metrics_port: Annotated[Port, Meta(description="port of /metrics, always on loopback (0: any free one)")] = 9302
    uds: Annotated[
        Path | None, Meta(description="unix socket the edge listens on too, one per worker: PATH.0, PATH.1 …")
    ] = None
    workers: Annotated[Count, Meta(description="processes of the edge (0: one a CPU core)")] = 0
    engine: Annotated[Literal["rust", "python"], Meta(description="what answers requests on the edge")] = "rust"
    public_url: Annotated[
        str | None,
        Meta(description="where visitors reach the edge, such as https://go.example.com (none: host and port)"),
    ] = None
    domains: Annotated[
        tuple[str, ...],
        Meta(
            description="further hosts with links of their own, comma-separated; any other Host is the default domain"
        ),
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="networks (CIDR) whose X-Forwarded-For and Forwarded are believed, comma-separated"),
    ] = ()
    cache_mb: Annotated[Positive, Meta(description="memory for cached links, MiB a worker")] = 64
    keepalive_requests: Annotated[
        Count, Meta(description="requests answered on one connection before it is closed (0: no limit)")
    ] = 1_000
    max_connections: Annotated[Positive, Meta(description="open connections a worker")] = 20_000
    max_connections_per_client: Annotated[
        Count, Meta(description="open connections a worker from one address (0: no limit)")
    ] = 2_000
    max_misses: Annotated[Positive, Meta(description="links looked up at once a worker; past it the answer is 503")] = (
        10_000
    )
    unknown_per_minute: Annotated[
        Count,
        Meta(
            description="unknown codes answered to one network (/24, /64) a minute, then 429 for misses (0: no limit)"
        ),
    ] = 600
    referrer_policy: Annotated[str, Meta(description="Referrer-Policy header of redirects", pattern=r"^[a-z-]+$")] = (
        "no-referrer-when-downgrade"
    )
    drain_seconds: Annotated[
        Positive, Meta(description="longest wait for requests under way when stopping, seconds")
    ] = 10
    database_url: Annotated[
        str | None,
        Meta(description="PostgreSQL for links and clicks, such as postgresql://user@host/name (none: SQLite files)"),
    ] = None
    direct_database_url: Annotated[
        str | None,
        Meta(description="the database past its pooler, for LISTEN and migrations (none: the same URL)"),
    ] = None
    read_database_urls: Annotated[
        tuple[str, ...],
        Meta(
            description="replicas of the database that the edge reads from while they are up to date, comma-separated"
        ),
    ] = ()
    edge_pool: Annotated[Positive, Meta(description="database connections a worker of the edge")] = 2
    control_pool: Annotated[Positive, Meta(description="database connections of a control plane")] = 8
    clicks_pool: Annotated[
        Positive, Meta(description="database connections of a shipper, and of a control plane for statistics")
    ] = 2
    database_timeout_ms: Annotated[
        Positive, Meta(description="longest wait for the database's answer to one statement, ms")
    ] = 2_000
    database_statement_cache: Annotated[
        Count, Meta(description="prepared statements kept a database connection (0: for PgBouncer in transaction mode)")
    ] = 100
    click_hours_kept_days: Annotated[
        Count, Meta(description="how long PostgreSQL keeps clicks by the hour, days (0: for ever; totals stay)")
    ] = 0
    redis_url: Annotated[
        str | None,
        Meta(
            description="Redis that all nodes share: redis://, rediss://, unix://, redis+cluster:// or redis+sentinel://HOSTS/SERVICE"
        ),
    ] = None
    redis_prefix: Annotated[
        str, Meta(description="what every key in Redis begins with", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    ] = "edge302"
    miss_budget_ms: Annotated[
        Positive, Meta(description="longest that a redirect waits for Redis before the database is asked, ms")
    ] = 50
    events: Annotated[
        bool,
        Meta(
            description="keep clicks one by one, for statistics by referrer, country and the like (false: counts alone)"
        ),
    ] = True
    events_kept_days: Annotated[
        Positive, Meta(description="how long clicks are kept one by one, days; what was added up stays")
    ] = 90
    events_kept_rows: Annotated[
        Positive, Meta(description="how many clicks SQLite and PostgreSQL keep one by one; what was added up stays")
    ] = 1_000_000
    ip_privacy: Annotated[
        Literal["truncate", "drop", "full"],
        Meta(description="what is kept of a visitor's address: its network (/24, /48), nothing, or all of it"),
    ] = "truncate"
    honour_do_not_track: Annotated[
        bool, Meta(description="of visitors who send DNT: 1 or Sec-GPC: 1, keep nothing but the click")
    ] = False
    geoip_db: Annotated[
        Path | None, Meta(description="MMDB file of countries or cities, read anew when it changes (none: no places)")
    ] = None
    kafka_bootstrap_servers: Annotated[
        tuple[str, ...], Meta(description="Kafka brokers that clicks are published to, host:port, comma-separated")
    ] = ()
    kafka_topic: Annotated[
        str,
        Meta(
            description="topic of clicks; those of watermarks and of refused events have names that begin with it",
            pattern=r"^[A-Za-z0-9._-]{1,200}$",
        ),
    ] = "clicks"
    kafka_partitions: Annotated[Positive, Meta(description="partitions of the topic when it is made")] = 6
    kafka_replication: Annotated[
        Annotated[int, Meta(ge=-1, le=32_767)],
        Meta(description="copies of the topics when they are made (-1: as the broker has it)"),
    ] = -1
    kafka_security: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], Meta(description="how brokers are spoken to")
    ] = "PLAINTEXT"
    kafka_sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], Meta(description="how to log in with SASL_…")
    ] = "SCRAM-SHA-512"
    kafka_username: Annotated[str | None, Meta(description="who logs in with SASL_…")] = None
    kafka_password: Annotated[str | None, Meta(description="its password")] = None
    kafka_ca_file: Annotated[
        Path | None, Meta(description="certificates that brokers are checked against with …SSL (none: the system's)")
    ] = None
    clickhouse_url: Annotated[
        str | None,
        Meta(description="ClickHouse that clicks go to from Kafka, such as http://user@host:8123/edge302"),
    ] = None
    clickhouse_timeout_ms: Annotated[Positive, Meta(description="longest wait for ClickHouse's answer, ms")] = 10_000
    ingest_block_rows: Annotated[Positive, Meta(description="most clicks in one block to ClickHouse")] = 100_000
    ingest_block_ms: Annotated[Positive, Meta(description="longest that a click waits for its block to fill, ms")] = 500
    spool_mb: Annotated[Annotated[int, Meta(ge=64)], Meta(description="most disk for clicks not yet counted, MiB")] = (
        4_096
    )
    max_body_kb: Annotated[Positive, Meta(description="longest body of an API request, KiB (bulk: longest line)")] = 64
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="least severe log line written")
    ] = "info"

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            value = getattr(self, name)
            try:
                check(value)
            except ValueError as exc:
                raise BadSetting(f"{PREFIX}{name.upper()}: {exc}") from exc
        for name in ("direct_database_url", "read_database_urls", "redis_url"):
            if getattr(self, name) and self.database_url is None:
                raise BadSetting(f"{PREFIX}{name.upper()}: needs {PREFIX}DATABASE_URL; SQLite serves one machine alone")
        if self.clickhouse_url and not self.kafka_bootstrap_servers:
            raise BadSetting(f"{PREFIX}CLICKHOUSE_URL: needs {PREFIX}KAFKA_BOOTSTRAP_SERVERS, from which it is filled")
        if self.kafka_bootstrap_servers and not self.events:
            raise BadSetting(f"{PREFIX}KAFKA_BOOTSTRAP_SERVERS: needs {PREFIX}EVENTS=true")
        if self.kafka_security.startswith("SASL_") and not (self.kafka_username and self.kafka_password):
            raise BadSetting(f"{PREFIX}KAFKA_SECURITY: SASL needs {PREFIX}KAFKA_USERNAME and {PREFIX}KAFKA_PASSWORD")

    @property
    def base_url(self) -> str:
        """What a code is appended to in a short URL; ends with a slash."""
        url = self.public_url or f"http://{bracketed(self.host)}:{self.port}"
        return url.rstrip("/") + "/"

    @property
    def own_hosts(self) -> frozenset[str]:
        """Hosts that are this service itself, in lower case without a port: never a target."""
        host: str = can_ada.parse(self.base_url).hostname
        return frozenset({host, *self.domains})


def load(environ: Mapping[str, str], flags: Mapping[str, object] | None = None) -> Settings:
    """Settings from flags, else from the environment, else the defaults.

    Args:
        environ: variables, as in os.environ; empty values count as unset. DATABASE_URL, REDIS_URL,
            KAFKA_BOOTSTRAP_SERVERS and CLICKHOUSE_URL serve where the variables with our prefix are not set.
        flags: values by field name; None values count as not given.

    Raises:
        BadSetting: a value can't be used, or a variable that starts with EDGE302_ is not a setting.
    """
    known = {PREFIX + name.upper(): name for name in Settings.__struct_fields__}
    environ = {PREFIX + usual: environ[usual] for usual in _USUAL_NAMES if environ.get(usual)} | dict(environ)
    for variable in environ:
        if variable.startswith(PREFIX) and variable not in known and variable not in _NOT_SETTINGS:
            raise BadSetting(f"{variable}: no such setting; the README lists them all")
    values: dict[str, Any] = {
        name: _split(name, environ[variable]) for variable, name in known.items() if environ.get(variable)
    }
    values |= {name: value for name, value in (flags or {}).items() if value is not None}
    try:
        return msgspec.convert(values, Settings, strict=False, dec_hook=_from_text)
    except msgspec.ValidationError as exc:
        raise BadSetting(_in_one_line(exc)) from exc


def to_environ(settings: Settings) -> dict[str, str]:
    """The variables that make `load` return these settings, for a child process."""
    return {
        PREFIX + name.upper(): ",".join(value) if isinstance(value, tuple) else str(value)
        for name in Settings.__struct_fields__
        if (value := getattr(settings, name)) is not None
    }


def table() -> list[tuple[str, str, str]]:
    """Variable, default and meaning of every setting, as the README prints them."""
    hints = get_type_hints(Settings, include_extras=True)
    defaults = Settings()
    return [
        (PREFIX + name.upper(), _shown(getattr(defaults, name)), _meaning(hints[name]))
        for name in Settings.__struct_fields__
    ]


def bracketed(host: str) -> str:
    """A host as it stands in a URL: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


# What platforms call these: honoured where the variable with our prefix is not set.
_USUAL_NAMES: Final = ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "CLICKHOUSE_URL")
# Variables that supervised processes get from their supervisor, and those of the CLI: no settings.
_NOT_SETTINGS: Final = frozenset(
    {"EDGE302_SLOT", "EDGE302_LISTEN_FDS", "EDGE302_SUPERVISOR_FD", "EDGE302_API_KEY", "EDGE302_API_URL"}
)


def _check_public_url(value: str | None) -> None:
    if value is None:
        return
    try:
        url = can_ada.parse(value)
    except ValueError as exc:
        raise ValueError(f"{value!r} is not a URL, such as https://go.example.com") from exc
    if url.protocol not in ("http:", "https:") or url.pathname != "/" or url.search or url.hash:
        raise ValueError(f"{value!r} must be http or https, without path, query and fragment")


def _check_domains(value: tuple[str, ...]) -> None:
    for host in value:
        try:
            canonical = can_ada.parse(f"http://{host}/").host
        except ValueError as exc:
            raise ValueError(f"{host!r} is not a host name") from exc
        if canonical != host:
            raise ValueError(f"write {host!r} as {canonical!r}")


def _check_networks(value: tuple[str, ...]) -> None:
    for network in value:
        ipaddress.ip_network(network)


def _check_database_url(value: str | None) -> None:
    """The value may hold a password, so no message repeats it."""
    if value is None:
        return
    if not value.startswith(("postgresql://", "postgres://")):
        raise ValueError("begins with postgresql://, such as postgresql://edge302@localhost/edge302")
    _check_hosts(value)


def _check_database_urls(values: tuple[str, ...]) -> None:
    for value in values:
        _check_database_url(value)


def _check_redis_url(value: str | None) -> None:
    schemes = ("redis://", "rediss://", "unix://", "redis+cluster://", "redis+sentinel://")
    if value is not None and not value.startswith(schemes):
        raise ValueError(f"begins with {', '.join(schemes)}")
    if value is None or value.startswith("unix://"):
        return
    _check_hosts(value)
    if value.startswith("redis+sentinel://") and not urlsplit(value).path.strip("/"):
        raise ValueError("redis+sentinel://HOST:PORT,HOST:PORT/SERVICE names the service that the Sentinels watch")


def _check_brokers(values: tuple[str, ...]) -> None:
    for value in values:
        if not re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:/?#\[\]@,\s]+):[0-9]{1,5}", value):
            raise ValueError(f"{value!r} is not host:port, such as localhost:9092")


def _check_clickhouse_url(value: str | None) -> None:
    if value is None:
        return
    if not value.startswith(("http://", "https://")):
        raise ValueError("begins with http:// or https://, such as http://default@localhost:8123/edge302")
    _check_hosts(value)


def _check_hosts(value: str) -> None:
    """Made ahead of the drivers, whose errors repeat a part of the password."""
    try:
        hosts = urlsplit(value).netloc.rpartition("@")[2]
    except ValueError:
        hosts = ":"
    if not all(_HOST.fullmatch(host) for host in hosts.split(",")):
        raise ValueError("its hosts can't be read; write / ? # [ ] @ in a password as %2F %3F %23 %5B %5D %40")


_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:/?#\[\]@]*)(:[0-9]{1,5})?")


_CHECKS: Final[dict[str, Callable[[Any], None]]] = {
    "public_url": _check_public_url,
    "domains": _check_domains,
    "trusted_proxies": _check_networks,
    "database_url": _check_database_url,
    "direct_database_url": _check_database_url,
    "read_database_urls": _check_database_urls,
    "redis_url": _check_redis_url,
    "kafka_bootstrap_servers": _check_brokers,
    "clickhouse_url": _check_clickhouse_url,
}


def _split(name: str, text: str) -> object:
    """Lists are written with commas between."""
    if name in ("domains", "trusted_proxies", "read_database_urls", "kafka_bootstrap_servers"):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _from_text(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value))
    raise NotImplementedError


def _in_one_line(error: msgspec.ValidationError) -> str:
    text, _, path = str(error).partition(" - at `$.")
    name = path.rstrip("`").partition("[")[0]
    return f"{PREFIX}{name.upper()}: {text[:1].lower()}{text[1:]}" if name else str(error)


def _shown(value: object) -> str:
    return "" if value is None or value == () else str(value)


def _meaning(hint: object) -> str:
    """The description that stands in the annotation."""
    assert get_origin(hint) is Annotated
    return next(meta.description for meta in get_args(hint) if isinstance(meta, Meta) and meta.description)
