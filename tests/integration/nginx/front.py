"""nginx with the operator's config, as `nginx/render` makes it, in front of real nodes."""

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from devstack.nginx import nginx
from devstack.processes import free_port
from devstack.services import find
from tests.integration.node.http import TIMEOUT_SECONDS, Reply

NGINX_FOLDER = Path(__file__).parents[3] / "nginx"


class Front(NamedTuple):
    """A running nginx. `pid`: its master process."""

    port: int
    pid: int

    def ask(
        self, path: str, *fields: str, method: str = "GET", body: bytes = b"", source: str = "127.0.0.1"
    ) -> tuple[Reply, bytes]:
        """One request on a connection of its own from an address of loopback: the reply and its body."""
        with socket.create_connection(
            ("127.0.0.1", self.port), timeout=TIMEOUT_SECONDS, source_address=(source, 0)
        ) as client:
            return ask_on(client, path, *fields, method=method, body=body)


def ask_on(
    client: socket.socket, path: str, *fields: str, method: str = "GET", body: bytes = b""
) -> tuple[Reply, bytes]:
    """One last request on a connection: the reply and its body."""
    length = (f"Content-Length: {len(body)}",) if body else ()
    lines = (f"{method} {path} HTTP/1.1", "Host: go.example", "Connection: close", *length, *fields)
    client.sendall("".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body)
    received = b"".join(iter(lambda: client.recv(65_536), b""))
    head, _, rest = received.partition(b"\r\n\r\n")
    return Reply(int(head.split()[1]), head.decode("latin-1") + "\r\n"), rest


def render(*flags: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """What `nginx/render` says with these NGINX_… variables alone."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("NGINX_")}
    return subprocess.run(
        [sys.executable, NGINX_FOLDER / "render", "--nginx", find("nginx") or "nginx", *flags],
        env=environ | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


@contextmanager
def front(folder: Path, **variables: str) -> Iterator[Front]:
    """Run nginx with the rendered config until the block is left. `folder`: made for it."""
    folder.mkdir()
    port = free_port()
    done = render(**{"NGINX_HTTP_PORT": f"127.0.0.1:{port}"} | variables)
    assert done.returncode == 0, done.stderr
    waited = int(variables.get("NGINX_HTTPS_PORT", str(port)).rpartition(":")[2])
    with nginx(folder, done.stdout, port=waited) as process:
        yield Front(port, process.pid)


def tls_client(port: int, *, protocols: tuple[str, ...] = ()) -> ssl.SSLSocket:
    """A connection that believes any certificate. `protocols`: offered by ALPN."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    raw = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
    return context.wrap_socket(raw, server_hostname="go.example")
