"""A node that is started by this release counts what an older one has left in its spool."""

import shutil
from pathlib import Path
from typing import Final

from tests.acceptance.node import Node, wait_until

# Of format version 1: redirect_core/tests/old_segments.rs says what is in it.
SEGMENT: Final = next((Path(__file__).parents[3] / "redirect_core/tests/data").glob("*.seg"))


def test_clicks_in_an_old_spool_are_counted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "spool").mkdir(parents=True)
    data.chmod(0o700)
    shutil.copy(SEGMENT, data / "spool")
    with Node(data, "--workers", "1") as node:
        wait_until(lambda: not (data / "spool" / SEGMENT.name).exists(), 20.0)
        _, told = node.api("GET", "/api/stats")
    assert {name: clicks for name, clicks in told["by_class"].items() if clicks} == {"bot": 1, "prefetch": 1, "head": 1}
    assert told["dropped"] == {}
