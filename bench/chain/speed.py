"""How fast clicks go from the spool through Kafka into ClickHouse, and how soon one is in the statistics."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import links
from bench.chain import spooling
from bench.chain.delays import delays
from bench.chain.encoding import events_a_second
from bench.cpu import cpu_seconds
from bench.figures import Figure, figure
from bench.filling import write_store
from bench.node import started
from bench.visibility import Delays
from bench.void import Void
from devstack.clickhouse import ClickHouse, clickhouse
from devstack.kafka import kafka
from shortlink.clock import SystemClock
from shortlink.datadir import DataFolder

CLICKS: Final = 600_000  # a round
DATABASE: Final = "edge302"
GIVE_UP_SECONDS: Final = 300.0
# What is measured lies between these shares of all: processes start before, and the last block waits to fill after.
FROM_SHARE: Final = 0.1
TO_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Speed:
    """Everything on the same cores.

    Attributes:
        encoded: events a second that the spool's reader reads and encodes, on one core.
        stored: events a second from the spool into ClickHouse.
        cpu_us: CPU microseconds an event, by process.
        visible: ms from a click's redirect until the statistics have it, through the whole chain.
        clicks: how many there were a round; as many, and not one more, were in ClickHouse.
    """

    encoded: Figure
    stored: Figure
    cpu_us: Mapping[str, Figure]
    visible: Delays
    clicks: int


def measure(folder: Path, rounds: int, seconds: int) -> Speed:
    """Some rounds of each. Void: a click was lost, came twice, or did not come."""
    del seconds  # a round lasts as long as its clicks take
    encoded = figure([events_a_second(_made(folder / f"encoding-{turn}")) for turn in range(rounds)])
    runs = [_through(_made(folder / f"chain-{turn}")) for turn in range(rounds)]
    roles = sorted({role for _, spent in runs for role in spent})
    result = Speed(
        encoded=encoded,
        stored=figure([rate for rate, _ in runs]),
        cpu_us={role: figure([spent.get(role, 0.0) for _, spent in runs]) for role in roles},
        visible=delays(_made(folder / "visible")),
        clicks=CLICKS,
    )
    print(f"clicks: {result}", file=sys.stderr, flush=True)
    return result


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _through(folder: Path) -> tuple[float, dict[str, float]]:
    """Events a second, and CPU microseconds an event by process."""
    data = DataFolder(folder / "node")
    data.create()
    write_store(data.links_db, [(links.code_of(number), links.target_of(number)) for number in range(spooling.LINKS)])
    spooling.fill(data.spool, CLICKS, SystemClock().now_ms())
    for name in ("kafka", "clickhouse"):
        (folder / name).mkdir()
    with kafka(folder / "kafka") as broker, clickhouse(folder / "clickhouse") as engine:
        settings = {
            "EDGE302_EVENTS": "true",
            "EDGE302_KAFKA_BOOTSTRAP_SERVERS": broker.address,
            "EDGE302_CLICKHOUSE_URL": engine.url(DATABASE),
        }
        with started("up", data.root, flags=("--workers", "1"), settings=settings) as node:
            roots = (node.process.pid, broker.pid, engine.pid)
            begun, spent_before, first = _reached(engine, CLICKS * FROM_SHARE, roots)
            ended, spent, last = _reached(engine, CLICKS * TO_SHARE, roots)
            _reached(engine, CLICKS, roots)
            time.sleep(1)  # what is too many comes late as well
            if (there := _stored(engine)) != CLICKS:
                raise Void(f"{CLICKS} clicks were spooled, and {there} are in ClickHouse")
    events = last - first
    by_role = {role: (seconds - spent_before.get(role, 0.0)) / events * 1e6 for role, seconds in spent.items()}
    return events / (ended - begun), by_role


def _reached(engine: ClickHouse, clicks: float, roots: tuple[int, ...]) -> tuple[float, dict[str, float], int]:
    """When so many clicks were there, the CPU seconds by process until then, and how many there were really."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while (there := _stored(engine)) < clicks:
        if time.monotonic() > deadline:
            raise Void(f"{there} clicks were in ClickHouse after {GIVE_UP_SECONDS:.0f} s")
        time.sleep(0.1)
    return time.monotonic(), cpu_seconds(*roots), there


def _stored(engine: ClickHouse) -> int:
    try:
        return int(engine.query("SELECT sum(clicks) FROM domain_quarter", DATABASE))
    except OSError:
        return 0  # the table is not made yet
