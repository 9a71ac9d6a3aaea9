"""Where figures come from: the machine, and the versions of all that took part."""

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

from devstack.services import find

PACKAGES: Final = (
    *("edge302", "uvloop", "httptools", "cachetools", "apsw", "fastapi", "uvicorn", "msgspec"),
    *("redis", "hiredis", "asyncpg"),  # the clients of Redis and PostgreSQL
)


def describe(folder: Path) -> dict[str, str]:
    """What a reader needs to judge figures; `folder`: where the stores of the run lie."""
    return {
        "cpu": _first(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text()),
        "cores": str(os.cpu_count()),
        "memory": _first(r"MemTotal:\s*(\d+ kB)", Path("/proc/meminfo").read_text()),
        "kernel": platform.release(),
        "filesystem": _output("stat", "--file-system", "--format=%T", str(folder)),
        "python": platform.python_version(),
        "nginx": _first(r"nginx/(\S+)", _output(find("nginx") or "nginx", "-v")),
        "redis-server": _first(r"v=(\S+)", _output(find("redis-server") or "redis-server", "--version")),
        "postgres": _first(r"PostgreSQL\) (\S+)", _output(find("postgres") or "postgres", "--version")),
        "rustc": _first(r"rustc (\S+)", _output("rustc", "--version")),
        "wrk": _first(r"wrk (\S+)", _output("wrk", "-v")),
        **{name: version(name) for name in PACKAGES},
        "commit": _output("git", "describe", "--always", "--dirty"),
    }


def _output(*command: str) -> str:
    """What a command says; some tell their version as an error, and exit so."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1].strip() if found else "unknown"
