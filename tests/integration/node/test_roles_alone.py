"""Each role under a supervisor of its own, on one data folder, as systemd or containers run them."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from clicks.stats import open_stats
from shortlink.clock import SystemClock
from shortlink.datadir import DataFolder
from shortlink.settings import Settings
from tests.acceptance.node import wait_until
from tests.integration.node.http import connect, read_reply, request, visit

START_SECONDS = 20.0


def test_the_edge_starts_before_there_is_a_store_and_serves_it_when_it_appears(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with ExitStack() as held:
        gateway = held.enter_context(role("gateway", data, "--port", "0", "--workers", "1"))
        found = re.search(r"ready at http://127\.0\.0\.1:(\d+)/", gateway)
        assert found, gateway
        port = int(found[1])
        with connect(port) as client:
            client.sendall(request("/early"))
            early = read_reply(client)
        assert (early.status, early.header("Retry-After") is not None) == (503, True)

        held.enter_context(role("api", data, "--api-port", "0"))
        assert visit_once_known(port, "/early") == 404
        run("links", "add", "https://example.com/early", "--alias", "early", "--data", str(data))
        wait_until(lambda: visit(port, "/early").status == 302, 1.0)

        held.enter_context(role("shipper", data))
        wait_until(lambda: total(data) == 1, 5.0)


@contextmanager
def role(name: str, data: Path, *flags: str) -> Iterator[str]:
    """A role that runs; what it said when it was ready. At the end it is told to stop, and must exit with 0."""
    log = data.with_name(f"{name}.log")
    command = [sys.executable, "-m", "edge302", name, "--data", str(data), "--metrics-port", "0", *flags]
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=environ(), stdout=file, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: said_ready(log), START_SECONDS, log.read_text)
        yield log.read_text()
        process.terminate()
        assert process.wait(START_SECONDS) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def said_ready(log: Path) -> bool:
    """Whether the role has printed that it works."""
    text = log.read_text()
    return " ready" in text or "edge302 is up" in text


def visit_once_known(port: int, path: str) -> int:
    """The status of a visit once the edge has found its store."""
    wait_until(lambda: visit(port, path).status != 503, 5.0)
    return visit(port, path).status


def run(*words: str) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "edge302", *words]
    return subprocess.run(command, env=environ(), check=True, capture_output=True, text=True, timeout=20).stdout


def total(data: Path) -> int:
    """Clicks on all links, as the shipper counted them."""

    async def ask() -> int:
        stats = await open_stats(Settings(), DataFolder(data), SystemClock())
        try:
            return (await stats.of_service()).total
        finally:
            await stats.close()

    return asyncio.run(ask())


def environ() -> dict[str, str]:
    """Our variables, less the settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("EDGE302_")}
