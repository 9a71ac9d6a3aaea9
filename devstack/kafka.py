"""A real Kafka of one node as a foreground child on loopback; stopped or killed, it goes on from its folder."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from devstack.jars import jars
from devstack.processes import LOOPBACK, NotReady, Server, free_port
from devstack.services import find

_CLUSTER: Final = "edge302-of-the-tests--"  # 22 characters, as those of a UUID in base64
# A small heap, and code that is compiled quickly rather than well: it starts in two seconds and takes 180 MB.
_JAVA: Final = (
    *("-Xms32m", "-Xmx160m", "-Xss512k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    *("-XX:MaxMetaspaceSize=128m", "-XX:ReservedCodeCacheSize=64m"),
)
_SETTINGS: Final = {
    "node.id": "1",
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "INTERNAL",
    "listener.security.protocol.map": "CLIENTS:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "log.cleaner.dedupe.buffer.size": "4194304",  # of the heap; by default all of it
    "group.initial.rebalance.delay.ms": "0",
    # After a kill the new process waits for the session of the old one to end.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    **dict.fromkeys(
        (
            *("offsets.topic.replication.factor", "offsets.topic.num.partitions"),
            *("transaction.state.log.replication.factor", "transaction.state.log.min.isr"),
            *("transaction.state.log.num.partitions", "share.coordinator.state.topic.replication.factor"),
            *("share.coordinator.state.topic.min.isr", "share.coordinator.state.topic.num.partitions"),
        ),
        "1",
    ),
}
_STARTED: Final = b"Kafka Server started"


class Kafka(Server):
    """A running Kafka; topics are made by whoever needs them."""

    def __init__(self, folder: Path, *, settings: Mapping[str, str], prefix: Sequence[str] = ()) -> None:
        port = free_port()
        self._properties = _write_properties(folder, port, settings)
        super().__init__([*prefix, *_java("kafka.Kafka"), self._properties], port, log=folder / "kafka.log")
        self._log_before = 0

    @property
    def address(self) -> str:
        """host:port, as EDGE302_KAFKA_BOOTSTRAP_SERVERS takes it."""
        return f"{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """As Server's; its folder is made ready the first time."""
        self._log_before = self.log.stat().st_size if self.log.exists() else 0
        if self._log_before == 0:
            _format(self._properties)
        super().start()

    def ready(self) -> bool:
        """True when it says that it has started: it listens before it can answer."""
        with self.log.open("rb") as log:
            log.seek(self._log_before)
            return _STARTED in log.read()


def installed() -> bool:
    """False: tests that need Kafka say so and skip."""
    return find("java") is not None and jars("kafka").exists()


@contextmanager
def kafka(folder: Path, *, settings: Mapping[str, str] | None = None, prefix: Sequence[str] = ()) -> Iterator[Kafka]:
    """Run Kafka until the block is left.

    Args:
        folder: where its data and its log go; it exists.
        settings: further ones, such as {"message.max.bytes": "65536"}.
        prefix: what to start it with, such as ("taskset", "-c", "0").

    Raises:
        NotReady: it did not come up; the text shows its log.
    """
    server = Kafka(folder, settings=settings or {}, prefix=prefix)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _java(main_class: str) -> list[str]:
    java = find("java")
    assert java is not None, "ask installed() first"
    return [java, *_JAVA, "-cp", f"{jars('kafka')}/*", main_class]


def _write_properties(folder: Path, port: int, settings: Mapping[str, str]) -> Path:
    clients, internal, controller = (f"{LOOPBACK}:{number}" for number in (port, free_port(), free_port()))
    own = {
        "log.dirs": str(folder / "data"),
        "listeners": f"CLIENTS://{clients},INTERNAL://{internal},CONTROLLER://{controller}",
        "advertised.listeners": f"CLIENTS://{clients},INTERNAL://{internal}",
        "controller.quorum.voters": f"1@{controller}",
    }
    properties = folder / "server.properties"
    properties.write_text("".join(f"{name}={value}\n" for name, value in {**_SETTINGS, **own, **settings}.items()))
    return properties


def _format(properties: Path) -> None:
    command = [*_java("kafka.tools.StorageTool"), "format", "-t", _CLUSTER, "-c", str(properties)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReady(f"Kafka can't make its folder: {done.stderr.strip()}")
