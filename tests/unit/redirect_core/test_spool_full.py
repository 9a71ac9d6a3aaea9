"""A full disk costs no click: they are counted in memory, and written as soon as there is room."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("full_disk_child.py")
CLICKS = 20_000
PRIVATE_MOUNTS = ["unshare", "--mount", "--map-root-user"]


def can_mount() -> bool:
    """True if this user may have a mount namespace."""
    try:
        return subprocess.run([*PRIVATE_MOUNTS, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not can_mount(), reason="this user may not mount a small file system for the test")
def test_a_full_disk_costs_no_click(spool: Path) -> None:
    done = subprocess.run(
        [*PRIVATE_MOUNTS, sys.executable, str(CHILD), str(spool)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    told = json.loads(done.stdout)
    full = told["full"]
    assert 0 < full["spooled"] < CLICKS
    assert full["spooled"] + full["volatile"] == CLICKS
    assert full["dropped"] == 0
    assert "No space left" in full["error"]
    assert told["error"] is None
    assert told["counted"] == CLICKS
