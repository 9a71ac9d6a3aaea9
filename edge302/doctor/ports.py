"""Are the ports free, or ours?"""

import errno
import http.client
import socket
from collections.abc import Iterator
from typing import NamedTuple

from edge302.doctor.findings import Finding, fail, ok, warn
from edge302.locks import is_held
from shortlink.datadir import DataFolder
from shortlink.settings import Settings


class _Port(NamedTuple):
    """A port of a node: who listens there, the setting that moves it, and what a GET of `path` tells."""

    name: str
    setting: str
    host: str
    number: int
    roles: tuple[str, ...]
    path: str


def check(settings: Settings) -> Iterator[Finding]:
    """The ports' findings."""
    for port in (
        _Port("edge", "port", settings.host, settings.port, ("gateway",), "/healthz"),
        _Port("control plane", "api_port", settings.host, settings.api_port, ("api",), "/health/live"),
        _Port("metrics", "metrics_port", "127.0.0.1", settings.metrics_port, ("gateway", "api", "shipper"), "/metrics"),
    ):
        yield _look(port, DataFolder(settings.data))


def _look(port: _Port, folder: DataFolder) -> Finding:
    check = f"port {port.number}"
    move = f"choose another with --{port.setting.replace('_', '-')} or EDGE302_{port.setting.upper()}"
    runs = any(is_held(folder, role) for role in port.roles)
    try:
        _bind(port)
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE:
            return fail(check, f"can't listen there on {port.host}: {exc.strerror}", move)
        if not runs:
            return fail(check, f"another program listens where the {port.name} should", f"stop it, or {move}")
        if _answers(port):
            return ok(check, f"the {port.name} answers")
        return warn(
            check, f"it is in use, but the {port.name} does not answer there", f"see the node's output, or {move}"
        )
    if runs:
        return ok(check, f"free: the {port.name} that runs on {folder.root} listens elsewhere")
    return ok(check, f"free for the {port.name}")


def _bind(port: _Port) -> None:
    """Try whether a node could listen there. OSError: it could not."""
    found = socket.getaddrinfo(port.host, port.number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a former node don't count
        probe.bind(address)


def _answers(port: _Port) -> bool:
    connection = http.client.HTTPConnection(port.host, port.number, timeout=2.0)
    try:
        connection.request("GET", port.path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
