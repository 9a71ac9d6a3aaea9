"""EDGE302_CACHE_MB is kept: what the cache says that it takes is what it takes."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

CACHE_MB: Final = 24
LINK_BYTES: Final = {"python": 500, "rust": 40}  # about what a link takes beside its target
# In a process of its own, whose memory nothing else has used before.
PROGRAM: Final = """
import gc, random, sys
from pathlib import Path
from gateway.counters import CountersPage
from gateway.engines import load_engine
from gateway.engines.contract import Tier
from redirect_core import SpoolWriter
from shortlink.clock import SystemClock
from shortlink.links import Link, LinkKey
from shortlink.settings import Settings

def resident():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

name, target_bytes, kind, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
page, clock = CountersPage(folder / "page"), SystemClock()
spool = SpoolWriter(str(folder), 0, segment_bytes=1 << 20)
domains = ("go.example",) if kind == "domain" else ()
engine = load_engine(name)(Settings(cache_mb=CACHE_MB, domains=domains), clock, page, spool)
pick = random.Random(1)
started = resident()
for batch in range(int(CACHE_MB * 1.5 * 2**20 / (target_bytes + LINK_BYTES[name]) / 100)):
    links = {}
    for _ in range(100):
        code = f"{pick.randrange(10**7):07}"
        target = f"https://e.com/{code}/".ljust(target_bytes, "p")
        more = {"forward_query": True, "expires_at": 2**42} if kind == "limited" else {}
        domain = "go.example" if kind == "domain" else ""
        links[LinkKey(domain, code)] = Link(domain=domain, code=code, target=target, owner_key=None, created_at=0,
                                            updated_at=0, version=2**60 + batch, **more)
    engine.put(links, asked_at=clock.monotonic(), tier=Tier.STORE)
engine.tick()
print(page["cached_bytes"], resident() - started, page["cached_links"])
engine.close()
""".replace("CACHE_MB", str(CACHE_MB)).replace("LINK_BYTES", str(LINK_BYTES))


@pytest.mark.parametrize(
    ("kind", "target_bytes"),
    [("plain", 1_000), ("domain", 1_000)]
    + [pytest.param(kind, 60, marks=pytest.mark.slow) for kind in ("plain", "limited")],
)
def test_a_full_cache_takes_what_it_may(engine_name: str, kind: str, target_bytes: int, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, engine_name, str(target_bytes), kind, str(tmp_path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    claimed, resident, _ = (int(word) for word in output.split())
    limit = CACHE_MB << 20
    assert limit * 0.9 < claimed <= limit
    assert limit * 0.85 < resident < limit * 1.05
