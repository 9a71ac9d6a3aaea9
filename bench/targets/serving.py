"""Each measured server, started on the core that servers have, and what its replies must be."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import check, cores
from bench.filling import write_store
from bench.node import Node, node
from devstack.nginx import nginx
from devstack.processes import free_port, listening
from shortlink.datadir import DataFolder

SERVER_CORE: Final = ("taskset", "-c", cores.SERVER_CORE)
_NGINX: Final = """\
server_tokens off;
    keepalive_requests 1000000000;
    server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 302 {location}; }} }}"""


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that is up.

    Attributes:
        pid: the process above all others of it.
        target_of: where a code must lead.
        more_pids: servers behind it that it can't do without, such as its Redis: their CPU is part of its price.
    """

    name: str
    pid: int
    port: int
    target_of: Callable[[str], str]
    more_pids: tuple[int, ...] = ()


@contextmanager
def edge302(folder: Path, links: Sequence[tuple[str, str]], engine: str) -> Iterator[tuple[Serving, Node]]:
    """The whole of `edge302 up` with one worker: edge, shipper and control plane, all on the servers' core."""
    data = DataFolder(folder / engine)
    data.create()
    write_store(data.links_db, links)
    flags = ("--workers", "1", "--engine", engine)
    with node("up", data.root, flags=flags, prefix=SERVER_CORE) as running:
        yield Serving(f"edge302 {engine}", running.pid, running.port, dict(links).__getitem__), running


@contextmanager
def bare(folder: Path, links: Sequence[tuple[str, str]]) -> Iterator[Serving]:
    """uvloop, httptools and a dict over the same links."""
    file, port = folder / "links.tsv", free_port()
    file.write_text("".join(f"{code}\t{target}\n" for code, target in links))
    command = [*SERVER_CORE, sys.executable, "-m", "bench.targets.bare_uvloop", str(port), str(file)]
    with listening(command, port) as process:
        yield Serving("bare uvloop + httptools + dict", process.pid, port, dict(links).__getitem__)


@contextmanager
def nginx_return(folder: Path, reply_bytes: int) -> Iterator[Serving]:
    """nginx's `return 302` with one worker, to a Location that makes its reply `reply_bytes` long."""
    (folder / "probe").mkdir()
    with _nginx(folder / "probe", "http://x/") as serving:
        missing = reply_bytes - check.check(serving.port, ["x"], serving.target_of)
    assert missing >= 0, "nginx adds 138 bytes of HTML to its redirect: make the links' targets longer"
    with _nginx(folder, "http://x/" + "x" * missing) as serving:
        yield serving


@contextmanager
def _nginx(folder: Path, location: str) -> Iterator[Serving]:
    port = free_port()
    with nginx(folder, _NGINX.format(port=port, location=location), port=port, prefix=SERVER_CORE) as process:
        yield Serving("nginx return 302", process.pid, port, lambda _: location)
