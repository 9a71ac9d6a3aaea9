"""A real nginx as a foreground child, with everything it writes in a folder of its own."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from devstack.processes import listens, stop, wait_until
from devstack.services import find

_CONFIG: Final = """\
{modules}{user}daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    access_log off;
    {http}
}}
"""


def installed() -> bool:
    """False: tests that need nginx say so and skip."""
    return find("nginx") is not None


@contextmanager
def nginx(
    folder: Path, http: str, *, port: int, prefix: Sequence[str] = (), modules: Sequence[str] = ()
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run nginx until the block is left; yields its master process.

    Args:
        folder: an empty folder for its config, pid, log and temporary files.
        http: directives inside `http { }`, with a server that listens on `port` of loopback.
        port: waited for before the block begins.
        prefix: what to start it with, such as ("taskset", "-c", "0").
        modules: files of dynamic modules to load, those that others need first.

    Raises:
        NotReady: nginx refused its config or the port; the text shows its log.
    """
    command = find("nginx")
    assert command is not None, "ask installed() first"
    config = folder / "nginx.conf"
    loads = "".join(f"load_module {module};\n" for module in modules)
    # Its workers reach what we reach: sockets in folders of our own.
    user = "user root;\n" if os.geteuid() == 0 else ""
    config.write_text(_CONFIG.format(folder=folder, http=http, modules=loads, user=user))
    log = folder / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*prefix, command, "-p", folder, "-e", folder / "error.log", "-c", config],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: listens(port), process, log=log)
        yield process
    finally:
        stop(process)
