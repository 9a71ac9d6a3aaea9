"""A node of edge302 as its users start it, for a benchmark: in a temporary folder, on free ports."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import msgspec

from devstack.processes import LOOPBACK, free_port, stop, wait_until
from shortlink.datadir import DataFolder

# What would otherwise stop a load from one address: a benchmark is its own only client.
UNTHROTTLED: Final = {
    "EDGE302_KEEPALIVE_REQUESTS": "0",
    "EDGE302_UNKNOWN_PER_MINUTE": "0",
    "EDGE302_CACHE_MB": "512",  # all 100,000 links stay in memory, as they do for the servers compared with
}
# Those compared with count clicks, at most. What single clicks cost besides is measured by parts of its own.
COUNTS_ALONE: Final = {"EDGE302_EVENTS": "false"}


@dataclass(frozen=True, slots=True)
class Node:
    """A running node. `pid`: the process above all others of it."""

    pid: int
    port: int
    api_port: int
    key: str

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One request to the API on a connection of its own: status and decoded body."""
        connection = HTTPConnection(LOOPBACK, self.api_port, timeout=30)
        try:
            return self.ask_on(connection, method, path, body)
        finally:
            connection.close()

    def ask_on(self, connection: HTTPConnection, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One request on a connection that stays open."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else msgspec.json.encode(body), headers)
        reply = connection.getresponse()
        content = reply.read()
        is_json = reply.headers.get_content_subtype().endswith("json")
        return reply.status, msgspec.json.decode(content) if is_json else content.decode()


@dataclass(frozen=True, slots=True)
class Started:
    """A node that may not answer yet. `log`: what it writes."""

    process: "subprocess.Popen[bytes]"
    port: int
    api_port: int
    log: Path


@contextmanager
def node(
    role: str,
    folder: Path,
    *,
    flags: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> Iterator[Node]:
    """Run `edge302 <role>` on `folder` until the block is left.

    Raises:
        NotReady: it did not come up; the text shows what it wrote.
    """
    key = DataFolder(folder).admin_key
    with started(role, folder, flags=flags, settings=settings, prefix=prefix) as one:
        wait_until(lambda: _ready(one.api_port) and key.exists(), one.process, log=one.log)
        yield Node(one.process.pid, one.port, one.api_port, key.read_text().strip())


@contextmanager
def started(
    role: str,
    folder: Path,
    *,
    flags: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> Iterator[Started]:
    """Start `edge302 <role>` on `folder`, and stop it when the block is left; does not wait until it answers."""
    port, api_port = free_port(), free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EDGE302_")}
    environment |= UNTHROTTLED | COUNTS_ALONE | {"EDGE302_METRICS_PORT": "0"} | dict(settings or {})
    command = [*prefix, sys.executable, "-m", "edge302", role, "--data", str(folder)]
    command += ["--port", str(port), "--api-port", str(api_port), *flags]
    log = folder.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield Started(process, port, api_port, log)
    finally:
        stop(process)


def _ready(api_port: int) -> bool:
    connection = HTTPConnection(LOOPBACK, api_port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
