"""Who is measured: every server under the name that it has in the result, and how it is started."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from bench import links
from bench.check import TargetOf
from bench.filling import write_store
from bench.ledger import Ledger
from bench.node import Node, node
from bench.targets import nginx_lua, nginx_map, redirect_rs, serving, v1
from bench.targets.serving import SERVER_CORE, Serving
from bench.worker import Worker
from shortlink.datadir import DataFolder

ENGINES: Final = ("rust", "python")  # the default one first
EDGES: Final = tuple(f"edge302 {engine}" for engine in ENGINES)
NGINX: Final = "nginx return 302"
BARE: Final = "bare uvloop + httptools + dict"

LINKS: Final = 100_000  # every server has these
MANY: Final = 1_000_000  # the store of each node has at least as many


@dataclass(frozen=True, slots=True)
class Stock:
    """The links of a run. `store`: a file with all of them, to be copied for each node."""

    codes: Sequence[str]
    targets: Mapping[str, str]
    store: Path

    @property
    def shared(self) -> list[tuple[str, str]]:
        """The links that every server has."""
        return [(code, self.targets[code]) for code in self.codes[:LINKS]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server that is up, and what is known of it.

    Attributes:
        pids: the processes above all others of it.
        target_of: where a code must lead; None: nowhere, the answer is 404.
        remembers: its answers cost more the first time, so that it is warmed up with every link.
        node: the node of edge302 that it is; None: another server.
        targets: what `target_of` looks into, so that an edit can be noted; empty: nothing can be edited.
        worker: the worker of that node.
        ledger: its clicks as the load saw them.
    """

    name: str
    pids: tuple[int, ...]
    port: int
    target_of: TargetOf
    remembers: bool = False
    node: Node | None = None
    targets: dict[str, str] = field(default_factory=dict)
    worker: Worker | None = None
    ledger: Ledger = field(default_factory=Ledger)


class Other(NamedTuple):
    """A server that is not edge302.

    Attributes:
        start: in a folder, with links, and with replies of so many bytes.
        remembers: see Contestant.
        installed: False: what it needs is not there, and the run goes on without it.
    """

    start: Callable[[Path, Sequence[tuple[str, str]], int], AbstractContextManager[Serving]]
    remembers: bool = False
    installed: Callable[[], bool] = lambda: True


# Floors and nginx: under every load that they can answer.
FLOORS: Final[Mapping[str, Other]] = {
    NGINX: Other(lambda folder, _, reply_bytes: serving.nginx_return(folder, reply_bytes)),
    nginx_map.NAME: Other(nginx_map.nginx_map),
    BARE: Other(lambda folder, pairs, _: serving.bare(folder, pairs)),
}
# Services that do the same job: under the two loads that visitors make.
PEERS: Final[Mapping[str, Other]] = {
    redirect_rs.CACHE_ON: Other(redirect_rs.cache_on, remembers=True),
    redirect_rs.CACHE_OFF: Other(redirect_rs.cache_off),
    nginx_lua.NAME: Other(nginx_lua.nginx_lua, installed=nginx_lua.installed),
    v1.NAME: Other(v1.v1),
}
OTHERS: Final[Mapping[str, Other]] = {**FLOORS, **PEERS}
REFERENCES: Final = (*OTHERS, *EDGES[1:])  # what a server's cost is given as a multiple of


def stock(folder: Path, count: int) -> Stock:
    """Draw `count` links and fill a store with them."""
    targets = {links.code_of(number): links.target_of(number) for number in range(count)}
    store = folder / "stock.db"
    write_store(store, list(targets.items()))
    return Stock(list(targets), targets, store)


@contextmanager
def edge302(folder: Path, stocked: Stock, engine: str) -> Iterator[Contestant]:
    """The whole of `edge302 up` with one worker: edge, shipper and control plane, all on the servers' core."""
    data = DataFolder(folder)
    data.create()
    shutil.copyfile(stocked.store, data.links_db)
    targets = dict(stocked.targets)
    with node("up", data.root, flags=("--workers", "1", "--engine", engine), prefix=SERVER_CORE) as running:
        yield Contestant(
            name=f"edge302 {engine}",
            pids=(running.pid,),
            port=running.port,
            target_of=targets.get,
            remembers=True,
            node=running,
            targets=targets,
            worker=Worker(data),
        )


@contextmanager
def other(name: str, folder: Path, stocked: Stock, reply_bytes: int) -> Iterator[Contestant]:
    """One of OTHERS."""
    folder.mkdir()
    with OTHERS[name].start(folder, stocked.shared, reply_bytes) as one:
        yield Contestant(name, (one.pid, *one.more_pids), one.port, one.target_of, OTHERS[name].remembers)
