"""The whole stack as several machines would run it, all on this one: `make stack`, and tests of it."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devstack import nginx, pgbouncer, postgres, redis
from devstack.processes import LOOPBACK, NotReady, Server, free_port
from devstack.role import Role
from devstack.services import find

ROOT: Final = Path(__file__).parents[1]
GATEWAYS: Final = 3
APIS: Final = 2
# Whatever it keeps was kept somewhere else first.
_REDIS_SETTINGS: Final = ("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lfu")
_EXAMPLE: Final = """-H 'Content-Type: application/json' -d '{"url": "https://example.com/"}'"""


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything that runs.

    Attributes:
        port: nginx's, for visitors and for administrators on this machine.
        database_url: past the pooler.
        key: the first admin key.
        gateways: one an edge machine, with the shipper of the same index on the same data folder.
        apis: one a control machine, with the relay of the same index on the same data folder.
    """

    port: int
    database_url: str
    key: str
    gateways: Sequence[Role]
    shippers: Sequence[Role]
    relays: Sequence[Role]
    apis: Sequence[Role]
    database: postgres.Postgres
    replica: postgres.Postgres
    pooler: pgbouncer.PgBouncer
    cache: redis.Redis

    @property
    def roles(self) -> Sequence[Role]:
        """All roles of edge302, in the order in which they stop."""
        return [*self.gateways, *self.relays, *self.shippers, *self.apis]


def missing() -> list[str]:
    """What has to be installed first; `make services` does."""
    return [name for name in ("postgres", "pgbouncer", "redis-server", "nginx") if find(name) is None]


@contextmanager
def stack(folder: Path, *, gateways: int = GATEWAYS, apis: int = APIS) -> Iterator[Stack]:
    """Start everything, and stop it in order when the block is left: visitors' side first, stores last.

    Args:
        folder: where logs and data folders go. What is in PostgreSQL and Redis is gone at the end.
        gateways: how many edge machines, each with one worker and one shipper.
        apis: how many control machines, each with a relay, of which one works.

    Raises:
        NotReady: something did not come up; the text shows its log.
    """
    with ExitStack() as held:
        database = held.enter_context(postgres.postgres(folder / "postgres"))
        replica = held.enter_context(database.replica(folder / "replica"))
        pooler = held.enter_context(pgbouncer.pgbouncer(folder / "pgbouncer", database))
        cache = held.enter_context(redis.redis(_made(folder / "redis"), settings=_REDIS_SETTINGS))
        url, port = database.create_database(), free_port()
        name = url.rpartition("/")[2]
        shared = {
            "DATABASE_URL": pooler.url(name),
            "DIRECT_DATABASE_URL": url,
            "DATABASE_STATEMENT_CACHE": "0",
            "REDIS_URL": cache.url(),
            "PUBLIC_URL": f"http://{LOOPBACK}:{port}",
        }
        edge = shared | {"READ_DATABASE_URLS": replica.url(name), "WORKERS": "1", "KEEPALIVE_REQUESTS": "0"}
        controls = [folder / f"control-{number}" for number in range(apis)]
        edges = [folder / f"edge-{number}" for number in range(gateways)]
        api_roles = [Role("api", data, shared) for data in controls]
        relay_roles = [Role("relay", data, shared) for data in controls]
        shipper_roles = [Role("shipper", data, shared) for data in edges]
        gateway_roles = [Role("gateway", data, edge | {"UDS": str(_uds(data))}) for data in edges]
        # The first control plane alone: it makes the tables and the first key, and the others find them.
        for roles in (api_roles[:1], api_roles[1:], shipper_roles, relay_roles, gateway_roles):
            held.enter_context(_running(roles))
        config = _nginx_config(port, gateway_roles, api_roles)
        held.enter_context(nginx.nginx(_made(folder / "nginx"), config, port=port))
        yield Stack(
            port=port,
            database_url=url,
            key=(controls[0] / "admin.key").read_text().strip(),
            gateways=gateway_roles,
            shippers=shipper_roles,
            relays=relay_roles,
            apis=api_roles,
            database=database,
            replica=replica,
            pooler=pooler,
            cache=cache,
        )


@contextmanager
def _running(roles: Sequence[Role]) -> Iterator[None]:
    """Roles of one kind: started together, and stopped together when the block is left."""
    with ThreadPoolExecutor() as pool:
        starts = [pool.submit(role.start) for role in roles]
        try:
            wait(starts)
            for start in starts:
                start.result()
            yield
        finally:
            wait(starts)
            list(pool.map(Server.stop, [role for role in roles if role.runs]))


def _nginx_config(port: int, gateways: Sequence[Role], apis: Sequence[Role]) -> str:
    """What the operator's own renderer makes for these."""
    variables = {
        "NGINX_HTTP_PORT": f"{LOOPBACK}:{port}",
        "NGINX_GATEWAYS": ",".join(f"unix:{_uds(role.data)}.0" for role in gateways),
        "NGINX_CONTROLS": ",".join(f"{LOOPBACK}:{role.port}" for role in apis),
    }
    environ = {name: value for name, value in os.environ.items() if not name.startswith("NGINX_")}
    command = [sys.executable, str(ROOT / "nginx" / "render")]
    done = subprocess.run(command, env=environ | variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReady(done.stderr.strip())
    return done.stdout


def _uds(data: Path) -> Path:
    return data.with_suffix(".sock")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def told(running: Stack, folder: Path) -> str:
    """What `make stack` prints: where everything is, and a line to paste."""
    site = f"http://{LOOPBACK}:{running.port}"
    name = running.database_url.rpartition("/")[2]
    lines = [
        "the stack is up; Ctrl-C stops it, and all of its data is gone.",
        "",
        f"  nginx          {site}/",
        *(
            f"  gateway        http://{LOOPBACK}:{role.port}/   metrics :{role.metrics_port}"
            for role in running.gateways
        ),
        *(f"  control plane  http://{LOOPBACK}:{role.port}/   metrics :{role.metrics_port}" for role in running.apis),
        *(f"  relay          metrics :{role.metrics_port}" for role in running.relays),
        *(f"  shipper        metrics :{role.metrics_port}" for role in running.shippers),
        f"  PostgreSQL     {running.database_url}",
        f"  its replica    {running.replica.url(name)}",
        f"  PgBouncer      {running.pooler.url(name)}",
        f"  Redis          {running.cache.url()}",
        f"  logs           {folder}",
        "",
        "Shorten a link:",
        "",
        f"curl -s {site}/api/shorten -H 'Authorization: Bearer {running.key}' {_EXAMPLE}",
    ]
    return "\n".join(lines)


def main() -> int:
    """Run it until Ctrl-C or SIGTERM; 1: something ended otherwise than it should."""
    parser = argparse.ArgumentParser(prog="make stack ARGS=…", description=__doc__)
    parser.add_argument("--gateways", type=int, default=GATEWAYS, help=f"edge machines (default: {GATEWAYS})")
    parser.add_argument("--apis", type=int, default=APIS, help=f"control machines (default: {APIS})")
    options = parser.parse_args()
    if names := missing():
        print(f"not installed: {', '.join(names)}; `make services` installs them", file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt_once)
    # A folder that PostgreSQL's user may enter.
    with tempfile.TemporaryDirectory(prefix="edge302-stack-") as temporary:
        roles: Sequence[Role] = ()
        with (
            suppress(KeyboardInterrupt),
            stack(Path(temporary), gateways=options.gateways, apis=options.apis) as running,
        ):
            roles = running.roles
            print(told(running, Path(temporary)), flush=True)
            signal.pause()
        failed = [f"{role.name} on {role.data.name}: exit code {code}" for role in roles if (code := role.stop())]
    print("\n".join(failed) or "stopped in order", flush=True)
    return 1 if failed else 0


def _interrupt_once(*_: object) -> None:
    """Whoever presses Ctrl-C again would break off the stopping, and leave servers behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
