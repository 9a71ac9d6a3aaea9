"""axum + fred + sqlx, a service of the same kind in Rust: built when it is asked for, and started."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from bench.filling import write_store
from bench.targets.padding import padded
from bench.targets.redis_links import redis_with
from bench.targets.serving import SERVER_CORE, Serving
from devstack import redis
from devstack.processes import free_port, listening
from devstack.services import find

CACHE_ON: Final = "axum, cache on"
CACHE_OFF: Final = "axum, cache off"
_ROOT: Final = Path(__file__).parents[2]
_MANIFEST: Final = Path(__file__).with_name("redirect_rs") / "Cargo.toml"
_TARGET: Final = _ROOT / "target" / "redirect_rs"  # `make clean` knows target/


def installed() -> bool:
    """False: tests that need it say so and skip."""
    return redis.installed() and find("cargo") is not None


def cache_on(folder: Path, links: Sequence[tuple[str, str]], reply_bytes: int) -> AbstractContextManager[Serving]:
    """Targets are kept in the process once they have been asked for."""
    return _redirect_rs(CACHE_ON, folder, links, reply_bytes, "on")


def cache_off(folder: Path, links: Sequence[tuple[str, str]], reply_bytes: int) -> AbstractContextManager[Serving]:
    """Every request asks Redis."""
    return _redirect_rs(CACHE_OFF, folder, links, reply_bytes, "off")


@contextmanager
def _redirect_rs(
    name: str, folder: Path, links: Sequence[tuple[str, str]], reply_bytes: int, cache: str
) -> Iterator[Serving]:
    """One worker thread and Redis, both on the servers' core, over a store with the same links."""
    targets, store, program = dict(links), folder / "links.db", build()
    write_store(store, links)
    with redis_with(folder, links) as shared:

        @contextmanager
        def start(padding: str) -> Iterator[Serving]:
            port = free_port()
            flags = ["--port", str(port), "--redis-port", str(shared.port), "--store", str(store)]
            flags += ["--cache", cache, "--padding", padding]
            with listening([*SERVER_CORE, program, *flags], port) as process:
                yield Serving(name, process.pid, port, targets.__getitem__, (shared.pid,))

        with padded(start, links[0][0], reply_bytes) as serving:
            yield serving


def build() -> Path:
    """Compile the service in release mode, unless it is up to date; cargo's output goes to standard error."""
    command = ["cargo", "build", "--release", "--locked", "--quiet"]
    command += ["--manifest-path", str(_MANIFEST), "--target-dir", str(_TARGET)]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return _TARGET / "release" / "redirect_rs"
