"""`make resilience`: play every failure for its time, print the result as JSON; 1: something was not as promised."""

import argparse
import json
import platform
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench.resilience.scenarios import SCENARIOS, play
from bench.resilience.world import world

SECONDS: Final = 30.0
RATE: Final = 1_000
ROWS: Final = 1_000_000


def main() -> int:
    """Standard output is the result and nothing else; progress goes to standard error."""
    parser = argparse.ArgumentParser(prog="make resilience ARGS=…", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of each failure (default: {SECONDS:.0f})")
    parser.add_argument("--rate", type=int, default=RATE, help=f"requests a second (default: {RATE})")
    parser.add_argument("--only", action="append", choices=[s.name for s in SCENARIOS], help="may be repeated")
    options = parser.parse_args()
    chosen = [scenario for scenario in SCENARIOS if options.only is None or scenario.name in options.only]
    with tempfile.TemporaryDirectory(prefix="edge302-resilience-") as name, world(Path(name), rows=ROWS) as everything:
        results = [play(everything, one, seconds=options.seconds, rate=options.rate) for one in chosen]
    machine = {"system": platform.platform(), "python": platform.python_version()}
    print(
        json.dumps({"seconds": options.seconds, "rate": options.rate, "machine": machine, "results": results}, indent=2)
    )
    return 1 if any(result["faults"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
