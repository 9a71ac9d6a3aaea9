"""One role of edge302 as a server of its own, as each machine of many runs it."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from devstack.processes import Server, free_port


class Role(Server):
    """`edge302 gateway`, `shipper`, `relay` or `api` on a data folder, with settings by name, such as WORKERS.

    `port`: of the edge or the control plane; the others don't listen on theirs. `metrics_port`: of /metrics.
    """

    def __init__(self, name: str, data: Path, settings: Mapping[str, str]) -> None:
        port, self.metrics_port = free_port(), free_port()
        own = {"DATA": data, "PORT": port, "API_PORT": port, "METRICS_PORT": self.metrics_port}
        environment = {key: value for key, value in os.environ.items() if not key.startswith("EDGE302_")}
        environment |= {f"EDGE302_{key}": str(value) for key, value in (own | dict(settings)).items()}
        command = [sys.executable, "-m", "edge302", name]
        super().__init__(command, port, log=data.with_name(f"{data.name}-{name}.log"), environment=environment)
        self.name = name
        self.data = data
        self._said_before = 0

    def start(self) -> None:
        """As every server, but it has to say so anew."""
        self._said_before = len(self._said())
        super().start()

    def ready(self) -> bool:
        """True when it has said that all of its processes work."""
        said = self._said()[self._said_before :]
        return " ready" in said or "edge302 is up" in said

    def _said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""
