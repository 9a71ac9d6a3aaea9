"""In a mount namespace of its own: fill a tiny file system with clicks, make room, and tell what came of it as JSON."""

import json
import subprocess
import sys
import time
from pathlib import Path

from redirect_core import SpoolReader, SpoolWriter, Visitor

CLICKS = 20_000


def main(folder: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], check=True)
    Path(folder, "ballast").write_bytes(bytes(100 * 1024))
    writer = SpoolWriter(folder, 0, segment_bytes=64 * 1024)
    visitor = Visitor(b"", b"", b"Mozilla/5.0 Firefox", b"")
    spooled = sum(writer.record(1_700_049_600_000, b"", b"abcdefg", 0, 0, visitor) for _ in range(CLICKS))
    full = {"spooled": spooled, "volatile": writer.volatile, "dropped": writer.dropped, "error": writer.error}
    Path(folder, "ballast").unlink()
    deadline = time.monotonic() + 10
    while writer.volatile and time.monotonic() < deadline:
        time.sleep(0.01)
    writer.close()
    counted = sum(clicks for batch in SpoolReader(folder).read({}) for *_, clicks in batch.counts)
    json.dump({"full": full, "error": writer.error, "counted": counted}, sys.stdout)


main(sys.argv[1])
