"""Nodes that differ in where single clicks go, each with its worker alone on the servers' core, and their sums."""

import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.request import urlopen

from bench import cpu
from bench.cores import ON_LOAD_CORE, move_to_server_core
from bench.kafka_topic import Topic
from bench.ledger import Ledger
from bench.node import Node, node
from bench.servers import Contestant
from bench.void import Void
from bench.worker import Worker
from devstack.kafka import Kafka, kafka
from devstack.processes import LOOPBACK, free_port
from shortlink.datadir import DataFolder
from shortlink.errors import StoreUnavailable

NO_EVENTS: Final = "no single clicks"
IN_SQLITE: Final = "in SQLite"
IN_KAFKA: Final = "in SQLite and Kafka"
HANGING: Final = "in SQLite, Kafka hangs"
NODES: Final = (NO_EVENTS, IN_SQLITE, IN_KAFKA, HANGING)
SETTLED_SECONDS: Final = 600.0
# A shipper gives a transaction up after 20 s.
TROUBLE_SECONDS: Final = 60.0
_TROUBLE: Final = re.compile(
    r'^edge302_events_errors_total\{[^}]*kind="unavailable",sink="kafka"[^}]*\} (\S+)$', re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Behind:
    """The Kafka behind a node. `hangs`: it does while the node is measured."""

    broker: Kafka
    topic: Topic
    hangs: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """A node that is up.

    Attributes:
        server: the same as those who ask it see it.
        keeps_events: it has single clicks in SQLite.
        behind: None: it has no Kafka.
        metrics_port: where it tells of itself.
    """

    server: Contestant
    node: Node
    worker: Worker
    keeps_events: bool
    behind: Behind | None
    metrics_port: int

    @property
    def name(self) -> str:
        """As the result calls it."""
        return self.server.name

    @property
    def hangs(self) -> bool:
        """Whether its Kafka does while it is measured."""
        return self.behind is not None and self.behind.hangs

    @contextmanager
    def measured(self) -> Iterator[None]:
        """What happens in the block is what the node is about: its Kafka hangs, if it is to."""
        if self.behind is None or not self.hangs:
            yield
            return
        self.behind.broker.pause()
        try:
            yield
        finally:
            self.behind.broker.resume()

    def troubles(self) -> int:
        """How often the shipper has given Kafka up for a while."""
        with urlopen(f"http://{LOOPBACK}:{self.metrics_port}/metrics", timeout=30) as reply:
            found = _TROUBLE.search(reply.read().decode())
        return int(float(found[1])) if found else 0

    def sums(self) -> dict[str, int]:
        """Clicks, as each that has them says. Void: one can't be asked. StoreUnavailable, TimeoutError: not now."""
        found = {"spooled": self.worker.fresh_counters()["clicks_spooled"], "counted": self._asked("", "total")}
        if self.keeps_events:
            found["events in SQLite"] = self._asked("/summary?period=all", "clicks")
        if self.behind is not None:
            found["events in Kafka"] = self.behind.topic.read_on()
        return found

    def settle(self) -> dict[str, int]:
        """Wait until all sums are the same, and the node has nothing to do. Void: they never are."""
        deadline = time.monotonic() + SETTLED_SECONDS
        while len(set((found := self._sums_or_none()).values())) != 1:
            if time.monotonic() > deadline:
                raise Void(f"the clicks of a node {self.name} don't add up: {found}")
        cpu.settle(self.node.pid)
        return found

    def _sums_or_none(self) -> dict[str, int]:
        try:
            return self.sums()
        except (StoreUnavailable, TimeoutError):
            return {}

    def _asked(self, path: str, member: str) -> int:
        status, told = self.node.ask("GET", f"/api/stats{path}")
        if status != 200:
            raise Void(f"GET /api/stats{path} was answered {status}: {told}")
        return int(told[member])


@contextmanager
def edge(name: str, folder: Path, store: Path, targets: Mapping[str, str]) -> Iterator[Edge]:
    """One of NODES in a folder of its own, with a copy of this store of links, whose targets these are.

    Its worker is on the servers' core, and all else with the load, its Kafka too. NotReady.
    """
    data = DataFolder(folder / "node")
    data.create()
    shutil.copyfile(store, data.links_db)
    with ExitStack() as stack:
        behind = stack.enter_context(_behind(folder, hangs=name == HANGING)) if name in (IN_KAFKA, HANGING) else None
        port = free_port()
        settings = {"EDGE302_EVENTS": str(name != NO_EVENTS).lower(), "EDGE302_METRICS_PORT": str(port)}
        if behind is not None:
            settings["EDGE302_KAFKA_BOOTSTRAP_SERVERS"] = behind.broker.address
        one = stack.enter_context(
            node("up", data.root, flags=("--workers", "1"), settings=settings, prefix=ON_LOAD_CORE)
        )
        worker = Worker(data)
        move_to_server_core(worker.pid)
        server = Contestant(name, (one.pid,), one.port, targets.get, node=one, worker=worker, ledger=Ledger())
        yield Edge(server, one, worker, name != NO_EVENTS, behind, port)


@contextmanager
def _behind(folder: Path, *, hangs: bool) -> Iterator[Behind]:
    place = folder / "kafka"
    place.mkdir()
    with kafka(place, prefix=ON_LOAD_CORE) as broker:
        yield Behind(broker, Topic(broker.address), hangs)
