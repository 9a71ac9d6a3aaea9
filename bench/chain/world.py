"""A node with Kafka and ClickHouse behind it, what each of them says of clicks, and ways to break them."""

import os
import random
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.node import Node, node, started
from bench.void import Void
from devstack.clickhouse import ClickHouse, clickhouse
from devstack.kafka import Kafka, kafka
from devstack.processes import running
from gateway.counters import read_page
from shortlink.datadir import DataFolder

DATABASE: Final = "edge302"
LINKS: Final = 200
WORKERS: Final = 2
AGAIN_SECONDS: Final = 60.0  # the supervisor waits longer from kill to kill


@dataclass(frozen=True, slots=True)
class Chain:
    """Everything on a click's way.

    Attributes:
        sockets: of the edge's workers.
        codes: links that exist.
        settings: what the node was told of Kafka and ClickHouse.
    """

    broker: Kafka
    engine: ClickHouse
    node: Node
    data: DataFolder
    sockets: Sequence[str]
    codes: Sequence[str]
    settings: Mapping[str, str]

    @contextmanager
    def further_ingest(self, name: str) -> Iterator[None]:
        """A second ingest worker of the same group until the block is left; it may not have begun yet."""
        with started("ingest", self.data.root.with_name(name), settings=self.settings):
            yield

    def kill(self, module: str) -> None:
        """kill -9 of one of the node that runs `python -m module`, as soon as there is one. Void: there is none."""
        deadline = time.monotonic() + AGAIN_SECONDS
        while not (pids := running(self.node.pid, module)):
            if time.monotonic() > deadline:
                raise Void(f"{module} was not started again within {AGAIN_SECONDS:.0f} s")
            time.sleep(0.05)
        os.kill(random.choice(pids), signal.SIGKILL)

    def spooled(self) -> int:
        """Clicks that the workers say they have spooled."""
        pages = map(read_page, self.data.run.glob("worker-*.counters"))
        return sum(page["clicks_spooled"] for page in pages)

    def counted(self) -> int:
        """Clicks in the node's own counts."""
        status, stats = self.node.ask("GET", "/api/stats")
        if status != 200:
            raise Void(f"the statistics were answered {status}: {stats}")
        return int(stats["total"])

    def in_clickhouse(self) -> dict[str, int]:
        """Clicks as ClickHouse's tables have them, each by its own sum, and the distinct ids among the events."""
        return {name: int(self.engine.query(sql, DATABASE)) for name, sql in _SUMS.items()}

    def link_totals(self) -> dict[str, int]:
        """Clicks by code, as ClickHouse has them one by one."""
        rows = self.engine.query("SELECT code, sum(clicks) FROM click_event GROUP BY code", DATABASE)
        return {code: int(clicks) for code, clicks in (line.split("\t") for line in rows.splitlines())}


_SUMS: Final = {
    "events": "SELECT sum(clicks) FROM click_event",
    "ids": "SELECT uniqExact(epoch, seq) FROM click_event",
    "link rollup": "SELECT sum(clicks) FROM link_quarter",
    "domain rollup": "SELECT sum(clicks) FROM domain_quarter",
}


@contextmanager
def chain(folder: Path, *, settings: dict[str, str] | None = None) -> Iterator[Chain]:
    """Start all of it in a folder, and stop it when the block is left. NotReady, Void."""
    for name in ("kafka", "clickhouse"):
        (folder / name).mkdir()
    data = DataFolder(folder / "node")
    with kafka(folder / "kafka") as broker, clickhouse(folder / "clickhouse") as engine:
        environment = {
            "EDGE302_EVENTS": "true",
            "EDGE302_KAFKA_BOOTSTRAP_SERVERS": broker.address,
            "EDGE302_CLICKHOUSE_URL": engine.url(DATABASE),
            **(settings or {}),
        }
        uds = folder / "edge.sock"
        flags = ("--workers", str(WORKERS), "--uds", str(uds))
        with node("up", data.root, flags=flags, settings=environment) as one:
            sockets = [f"{uds}.{slot}" for slot in range(WORKERS)]
            codes = [_add(one, number) for number in range(LINKS)]
            yield Chain(broker, engine, one, data, sockets, codes, environment)


def _add(one: Node, number: int) -> str:
    status, link = one.ask("POST", "/api/shorten", {"url": f"https://example.com/{number}?utm_source=ledger"})
    if status != 201:
        raise Void(f"a link was answered {status}: {link}")
    return str(link["code"])
