"""What the control plane takes on PostgreSQL, each link durable before its reply: one by one, and many a request."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import bulk, creates, wrk
from bench.cores import ON_LOAD_CORE, move_to_load_core
from bench.node import Node, node
from bench.targets.serving import SERVER_CORE
from bench.void import Void
from bench.write_rounds import Done, Load, Row, measure_load
from devstack import pgbouncer
from devstack.postgres import Postgres, postgres

CREATE: Final = "POST /api/shorten"
BULK: Final = "POST /api/links/bulk"
POOLED: Final = ", through PgBouncer"
# Shorter than by default, so that ten minutes have ten of them; all else is as PostgreSQL is by itself.
SETTINGS: Final = {"checkpoint_timeout": "60s"}
SHOWN: Final = ("fsync", "synchronous_commit", "full_page_writes", "checkpoint_timeout", "max_wal_size")


@dataclass(frozen=True, slots=True)
class Writes:
    """The result.

    Attributes:
        settings: of PostgreSQL, as it says itself.
        checkpoints: that began during the run; each is spread over most of the time until the next one.
        answered, stored: links that loads saw made, and links in the tables afterwards.
    """

    rows: list[Row]
    settings: dict[str, str]
    checkpoints: int
    answered: int
    stored: int


def measure(folder: Path, rounds: int, seconds: int, chosen: Sequence[str] = ()) -> Writes | None:
    """Each load against one API process, or the loads of these names; None: none is called so.

    The API process is on the servers' core, PostgreSQL on the load's. With PgBouncer and without it are two API
    processes, each on a database of its own.

    Raises:
        Void: a reply was no success, or the tables hold other links than were answered.
    """
    names = [name for name in loads() if not chosen or name in chosen]
    if not names:
        return None
    place = folder / "writes"
    place.mkdir()
    rows: list[Row] = []
    stored = 0
    with postgres(place / "postgres", durable=True, settings=SETTINGS, prefix=ON_LOAD_CORE) as database:
        shown = {name: database.run(f"SHOW {name}") for name in SHOWN}
        for start in (_direct, _pooled):
            if mine := [name for name in names if name.endswith(POOLED) == (start is _pooled)]:
                url = database.create_database()
                with start(place, database, url) as api:
                    rows += [
                        measure_load(name, _load(name, place, api), api, database, rounds, seconds) for name in mine
                    ]
                stored += int(database.run("SELECT count(*) FROM link", _name_of(url)))
        checkpoints = database.log.read_text().count("checkpoint starting")
    answered = sum(row.links for row in rows)
    if not answered <= stored <= answered + wrk.CONNECTIONS * (rounds + 1) * len(rows):
        raise Void(f"{answered} links were made, {stored} are stored")
    return Writes(rows, shown, checkpoints, answered, stored)


def loads() -> Iterator[str]:
    """Names of the loads that can run here."""
    yield from (CREATE, BULK)
    if pgbouncer.installed():
        yield from (CREATE + POOLED, BULK + POOLED)


def _load(name: str, folder: Path, api: Node) -> Load:
    if name.startswith(BULK):
        body = bulk.body(bulk.LINES)
        return lambda seconds: Done(*bulk.run(api.api_port, api.key, body, seconds))
    requests = creates.write_requests(folder / "creates.requests", api.key)

    def create(seconds: int) -> Done:
        load = wrk.run(api.api_port, requests, seconds)
        return Done(load.requests, load.seconds, load.p50_us, load.p99_us)

    return create


def _direct(folder: Path, _: Postgres, url: str) -> AbstractContextManager[Node]:
    return _api(folder / "api-direct", {"EDGE302_DATABASE_URL": url})


@contextmanager
def _pooled(folder: Path, database: Postgres, url: str) -> Iterator[Node]:
    with pgbouncer.pgbouncer(folder / "pgbouncer", database) as pooler:
        move_to_load_core(pooler.pid)
        settings = {
            "EDGE302_DATABASE_URL": pooler.url(_name_of(url)),
            "EDGE302_DIRECT_DATABASE_URL": url,
            "EDGE302_DATABASE_STATEMENT_CACHE": "0",
        }
        with _api(folder / "api-pooled", settings) as api:
            yield api


def _api(data: Path, settings: dict[str, str]) -> AbstractContextManager[Node]:
    data.mkdir(mode=0o700)
    return node("api", data, settings=settings, prefix=SERVER_CORE)


def _name_of(url: str) -> str:
    return url.rpartition("/")[2]
