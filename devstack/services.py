"""Install the servers and tools that tests and benchmarks start: only what is missing, from Debian's packages."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

SYSTEM_FOLDERS: Final = ("/usr/sbin", "/sbin")  # where Debian keeps daemons; not on every user's PATH
POSTGRESQL: Final = Path("/usr/lib/postgresql")  # its programs lie in a folder a version, none of them on the PATH

LUA_MODULE: Final = "/usr/lib/nginx/modules/ngx_http_lua_module.so"
LUA_REDIS: Final = "/usr/share/lua/5.1/nginx/redis.lua"


class Tool(NamedTuple):
    """A command (or, as an absolute path, a file that another tool loads), its Debian package, and what needs it."""

    command: str
    package: str
    used_for: str


TOOLS: Final = (
    Tool("nginx", "nginx", "the comparison in `make bench`, and tests of the operator's config"),
    Tool(LUA_MODULE, "libnginx-mod-http-lua", "nginx + Lua + Redis in `make bench`"),
    Tool(LUA_REDIS, "lua-nginx-redis", "nginx + Lua + Redis in `make bench`"),
    Tool("redis-server", "redis-server", "the services in `make bench` that keep their links in Redis"),
    Tool("postgres", "postgresql", "tests and benchmarks of links and clicks in PostgreSQL"),
    Tool("pgbouncer", "pgbouncer", "tests of PostgreSQL behind a pooler"),
    Tool("java", "default-jre-headless", "tests of clicks that go through Kafka"),
    Tool("mvn", "maven", "fetching Kafka for them"),
    Tool("h2load", "nghttp2-client", "tests of HTTP/2 through nginx"),
    Tool("wrk", "wrk", "load in `make bench` and in the tests that kill a gateway under load"),
    Tool("promtool", "prometheus", "tests of the operator's alerts"),
    Tool("strace", "strace", "the test that a link is on disk before its 201"),
    Tool("valgrind", "valgrind", "the count of instructions a request in `make instructions`"),
    Tool("envsubst", "gettext-base", "the test that the official nginx image renders the operator's config as we do"),
    Tool("openssl", "openssl", "the certificate in tests of TLS"),
    Tool("taskset", "util-linux", "pinning server and load to a core each in `make bench`"),
)


def find(command: str) -> str | None:
    """The command's path, looked for among daemons too, or the file's own; None: it is not installed."""
    if command.startswith("/"):  # a module or a library: there is no need that it can be executed
        return command if Path(command).exists() else None
    newest_first = sorted(POSTGRESQL.glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    folders = [os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS, *map(str, newest_first)]
    return shutil.which(command, path=":".join(folders))


def in_ci() -> bool:
    """True where nothing may be skipped: what is missing is a failure."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def missing() -> list[Tool]:
    """The tools that are not installed."""
    return [tool for tool in TOOLS if find(tool.command) is None]


def install() -> int:
    """Install what is missing, or say what goes without it and why; returns an exit code."""
    if not missing():
        return 0
    reason = _reason_not_to_install() or _install([tool.package for tool in missing()])
    left = missing()
    for tool in left:
        print(f"{'missing' if in_ci() else 'skipped'}: {tool.command} ({reason}); it serves for {tool.used_for}")
    return 1 if left and in_ci() else 0


def _reason_not_to_install() -> str | None:
    if find("apt-get") is None:
        return "no apt-get here: install it by hand"
    if os.geteuid() != 0:
        return f"not root: apt-get install {' '.join(tool.package for tool in missing())}"
    return None


def _install(packages: Sequence[str]) -> str:
    """Install packages without starting their services; returns why a package may be missing all the same."""
    print(f"installing {' '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # 1: start no daemon
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"`{' '.join(command)}` failed: {done.stderr.strip().splitlines()[-1:]}"
    return "its package did not bring it"


if __name__ == "__main__":
    sys.exit(install())
