"""A real PostgreSQL as a foreground child on loopback, with streaming replicas that can be made to lag."""

import itertools
import os
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from devstack.processes import LOOPBACK, NotReady, Server, free_port
from devstack.services import find

# PostgreSQL refuses to run as root.
USER: Final = "postgres" if os.geteuid() == 0 else None
_SETTINGS: Final = {"listen_addresses": LOOPBACK, "max_connections": "200"}
# What a test writes is not missed after a power cut.
_NOT_DURABLE: Final = {"fsync": "off", "full_page_writes": "off"}


class Postgres(Server):
    """A running PostgreSQL whose every user is trusted; the superuser is `postgres`."""

    def __init__(self, home: Path, log: Path, *, settings: Mapping[str, str], prefix: Sequence[str] = ()) -> None:
        port = free_port()
        options = {**_SETTINGS, "port": str(port), "unix_socket_directories": str(home), **settings}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [*prefix, _binary("postgres"), "-D", str(home / "data"), *arguments]
        # SIGINT ends sessions; SIGTERM would wait until the clients go.
        super().__init__(command, port, log=log, user=USER, stop_signal=signal.SIGINT)
        self._settings = settings
        self._names = itertools.count(1)

    def ready(self) -> bool:
        """True when it takes queries: it listens before that."""
        asked = [_binary("pg_isready"), "-q", "-d", self.url()]
        return subprocess.run(asked, check=False).returncode == 0

    def url(self, database: str = "postgres") -> str:
        """Where a database of this server is."""
        return f"postgresql://postgres@{LOOPBACK}:{self.port}/{database}"

    def create_database(self) -> str:
        """Make an empty database; returns its URL."""
        name = f"edge302_{next(self._names)}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def run(self, statement: str, database: str = "postgres") -> str:
        """Run one statement with psql; returns rows as lines, columns parted by `|`. NotReady: it failed."""
        command = [_binary("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement, self.url(database)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotReady(f"{statement}: {done.stderr.strip()}")
        return done.stdout.strip()

    @contextmanager
    def replica(self, folder: Path, *, apply_delay_ms: int = 0, keep: bool = False) -> Iterator["Postgres"]:
        """Run a streaming replica of this server until the block is left.

        Args:
            folder: where its log goes, and its data with `keep`; made if it is missing.
            apply_delay_ms: how far it is behind the primary, at least.
            keep: as of `postgres`.

        Raises:
            NotReady: it did not come up; the text shows its log.
        """
        slot = f"replica_{next(self._names)}"
        settings = {**self._settings, "recovery_min_apply_delay": f"{apply_delay_ms}ms"}
        with _home(folder, keep=keep) as home:
            # A copy is cheap, and one that was kept may have lost its place in the primary's log.
            shutil.rmtree(home / "data", ignore_errors=True)
            copy = ["-D", str(home / "data"), "-d", self.url(), "-R", "-X", "stream", "-c", "fast", "-C", "-S", slot]
            _run_as_user("pg_basebackup", *copy)
            replica = Postgres(home, folder / "replica.log", settings=settings)
            replica.start()
            try:
                yield replica
            finally:
                replica.stop()
                self._forget(slot)

    def pause_replay(self) -> None:
        """On a replica: receive what the primary writes, but show nothing of it."""
        self.run("SELECT pg_wal_replay_pause()")

    def resume_replay(self) -> None:
        """On a replica: catch up after `pause_replay`."""
        self.run("SELECT pg_wal_replay_resume()")

    def _forget(self, slot: str) -> None:
        """Without it the primary would keep its log for a replica that never comes back."""
        if self.runs:
            gone = f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{slot}'"
            self.run(gone)


def installed() -> bool:
    """False: tests that need PostgreSQL say so and skip."""
    return find("postgres") is not None


@contextmanager
def postgres(
    folder: Path,
    *,
    durable: bool = False,
    keep: bool = False,
    settings: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> Iterator[Postgres]:
    """Run PostgreSQL until the block is left.

    Args:
        folder: where its log goes; made if it is missing.
        durable: True: what is committed survives a power cut, as in production.
        keep: True: its data stays in `folder` for the next time. False: it is in a temporary folder, because
            pytest's folders can be entered by root alone, and PostgreSQL does not run as root.
        settings: such as {"shared_buffers": "256MB"}.
        prefix: what to start it with, such as ("taskset", "-c", "0").

    Raises:
        NotReady: it did not come up; the text shows its log.
    """
    with _home(folder, keep=keep) as home:
        if not (home / "data" / "PG_VERSION").exists():
            made = ("-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
            _run_as_user("initdb", "-D", str(home / "data"), *made)
        chosen = {**({} if durable else _NOT_DURABLE), **(settings or {})}
        server = Postgres(home, folder / "postgres.log", settings=chosen, prefix=prefix)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _binary(name: str) -> str:
    server = find("postgres")
    assert server is not None, "ask installed() first"
    # A link elsewhere may lead to it alone: its companions are beside the real one.
    return str(Path(server).resolve().with_name(name))


@contextmanager
def _home(folder: Path, *, keep: bool) -> Iterator[Path]:
    """A folder that PostgreSQL's user owns; removed at the end unless it is to be kept."""
    folder.mkdir(parents=True, exist_ok=True)
    if keep:
        if USER and (closed := _closed_parent(folder)):
            raise NotReady(f"PostgreSQL runs as {USER} here, who can't enter {closed}: choose another folder")
        yield _owned(folder)
        return
    with tempfile.TemporaryDirectory(prefix="edge302-postgres-", ignore_cleanup_errors=True) as temporary:
        yield _owned(Path(temporary))


def _owned(folder: Path) -> Path:
    if USER:
        shutil.chown(folder, USER, USER)
    return folder


def _closed_parent(folder: Path) -> Path | None:
    """The folder above this one that keeps other users out; None: there is none."""
    return next((parent for parent in folder.resolve().parents if not parent.stat().st_mode & stat.S_IXOTH), None)


def _run_as_user(name: str, *arguments: str) -> None:
    command = [_binary(name), *arguments]
    # It can't stay in a folder that is root's alone, such as the one that `make` runs in.
    done = subprocess.run(
        command, cwd="/", user=USER, group=USER, extra_groups=[] if USER else None, capture_output=True, check=False
    )
    if done.returncode:
        raise NotReady(f"{' '.join(command)} failed: {done.stderr.decode(errors='replace').strip()}")
