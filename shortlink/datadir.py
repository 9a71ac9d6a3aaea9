"""Where a node keeps its files: the layout of the data folder, in one place."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The data folder's layout; nothing is created by asking for a path."""

    root: Path

    @property
    def links_db(self) -> Path:
        """SQLite: links, their change feed and API keys; written by the control plane alone."""
        return self.root / "links.db"

    @property
    def clicks_db(self) -> Path:
        """SQLite: click counts; written by the shipper alone."""
        return self.root / "clicks.db"

    @property
    def events_db(self) -> Path:
        """SQLite: clicks one by one, and what was added up of them; filled by the shipper alone."""
        return self.root / "events.db"

    @property
    def admin_key(self) -> Path:
        """The first API key, in clear, readable by its owner alone (0600)."""
        return self.root / "admin.key"

    @property
    def spool(self) -> Path:
        """Click segments, one writer a worker."""
        return self.root / "spool"

    @property
    def orphans(self) -> Path:
        """Visits to codes that no link has, from the workers to the shipper (shortlink/orphans.py)."""
        return self.root / "orphans"

    @property
    def imports(self) -> Path:
        """How far each import came, so that it can be resumed."""
        return self.root / "imports"

    @property
    def run(self) -> Path:
        """What only matters while processes run: locks, counters pages, the control socket."""
        return self.root / "run"

    @property
    def control_socket(self) -> Path:
        """Unix socket of the control plane for commands of the same user (0600): being able to open it is the key."""
        return self.run / "api.sock"

    @property
    def metrics(self) -> Path:
        """prometheus-client's multiprocess files."""
        return self.run / "metrics"

    def role_lock(self, role: str) -> Path:
        """The lock held while `role` (gateway, api, shipper, relay) runs on this folder."""
        return self.run / f"{role}.lock"

    def counters_page(self, slot: int) -> Path:
        """The memory-mapped counters of the worker in `slot`; kept across its restarts."""
        return self.run / f"worker-{slot}.counters"

    @property
    def generation(self) -> Path:
        """The shared store's generation as it was last seen, for workers that start while the store is away."""
        return self.run / "store.generation"

    def node_id(self) -> str:
        """What this node is called in stores that nodes share: drawn once, 16 hexadecimal digits. OSError."""
        path = self.root / "node.id"
        if not path.exists():
            draft = self.root / f"node.id.{os.getpid()}"
            draft.write_text(os.urandom(8).hex() + "\n")
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)  # of two that draw at once, one wins
            draft.unlink()
        return path.read_text().strip()

    def create(self) -> None:
        """Make the folders (0700: clicks and keys are private)."""
        for folder in (self.root, self.spool, self.orphans, self.imports, self.run, self.metrics):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
