"""The sockets a node listens on: bound before any child starts, so that what is wrong is said once and at once."""

import errno
import socket
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from shortlink.errors import Edge302Error
from shortlink.settings import BadSetting

BACKLOG: Final = 4_096  # the kernel cuts it to net.core.somaxconn
_MAX_UNIX_PATH_BYTES: Final = 107  # sockaddr_un.sun_path, less its closing zero


class PortTaken(Edge302Error):
    """Somebody else listens where we should."""


def edge_sockets(host: str, port: int, count: int, held: ExitStack) -> list[socket.socket]:
    """One listening socket a worker, all on one port, between which the kernel spreads connections.

    Args:
        port: 0 for any free one; ask the sockets which.
        held: closes them, whatever happens.

    Raises:
        PortTaken: the port is in use. BadSetting: the address can't be used.
    """
    if port:
        # SO_REUSEPORT would let a second node of the same user in and share our traffic with it.
        _bind(host, port, "port", reuse_port=False).close()
    sockets: list[socket.socket] = []
    for _ in range(count):
        sockets.append(held.enter_context(_bind(host, port, "port", reuse_port=True)))
        port = port_of(sockets[0])
    # All are bound before one listens: a connection is never given to a socket group that still grows.
    for listener in sockets:
        listener.listen(BACKLOG)
    return sockets


def api_socket(host: str, port: int, held: ExitStack) -> socket.socket:
    """The control plane's listening socket. Raises as `edge_sockets` does."""
    listener = held.enter_context(_bind(host, port, "api_port", reuse_port=False))
    listener.listen(BACKLOG)
    return listener


def unix_sockets(path: Path, count: int, held: ExitStack) -> list[socket.socket]:
    """One listening unix socket a worker: PATH.0, PATH.1 and so on.

    PortTaken: somebody listens there. BadSetting: the path can't be used. What a dead process left is removed.
    """
    return [held.enter_context(_bind_unix(path.with_name(f"{path.name}.{slot}"))) for slot in range(count)]


def port_of(listener: socket.socket) -> int:
    """The port a TCP socket is bound to."""
    port: int = listener.getsockname()[1]
    return port


def _bind(host: str, port: int, setting: str, *, reuse_port: bool) -> socket.socket:
    """A bound TCP socket; `setting` names the port in messages."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )[0]
    except socket.gaierror as exc:
        raise BadSetting(f"EDGE302_HOST: {host!r} is no address of this machine: {exc.strerror}") from exc
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind(address)
    except OSError as exc:
        bound.close()
        raise _explained(exc, host, port, setting) from exc
    return bound


def _explained(error: OSError, host: str, port: int, setting: str) -> Edge302Error:
    flag, variable = f"--{setting.replace('_', '-')}", f"EDGE302_{setting.upper()}"
    if error.errno == errno.EADDRINUSE:
        return PortTaken(
            f"port {port} on {host} is in use; stop what listens there, or choose another with {flag} or {variable}"
        )
    if error.errno == errno.EACCES:
        return BadSetting(f"{variable}: this user may not listen on port {port}; choose one from 1024 on")
    return BadSetting(f"EDGE302_HOST: can't listen on {host!r}: {error.strerror}")


def _bind_unix(path: Path) -> socket.socket:
    if len(str(path).encode()) > _MAX_UNIX_PATH_BYTES:
        raise BadSetting(f"EDGE302_UDS: {path} is longer than {_MAX_UNIX_PATH_BYTES} bytes")
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
    except OSError as exc:
        listener.close()
        raise BadSetting(f"EDGE302_UDS: can't listen on {path}: {exc.strerror}") from exc
    # nginx runs as another user. Who may not forge client addresses is kept out by the folder's permissions.
    path.chmod(0o666)
    listener.listen(BACKLOG)
    return listener


def _remove_stale(path: Path) -> None:
    """Remove a socket file on which nobody listens."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise BadSetting(f"EDGE302_UDS: {path} exists and is no socket; choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError as exc:
            raise BadSetting(f"EDGE302_UDS: {path} can't be used: {exc.strerror}") from exc
    raise PortTaken(f"somebody listens on {path}; stop it, or choose another path with --uds or EDGE302_UDS")
