"""`make ledger`: break everything on a click's way, print all figures as JSON; 1: they don't add up."""

import argparse
import json
import platform
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench.chain.scenarios import SCENARIOS, Measure, play
from bench.chain.visitors import Answered
from bench.chain.world import chain

KILLS: Final = 20
SECONDS: Final = 60.0
RATE: Final = 1_000


def main() -> int:
    """Standard output is the result and nothing else; progress goes to standard error."""
    parser = argparse.ArgumentParser(prog="make ledger ARGS=…", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS, help=f"of each kind of process (default: {KILLS})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of each outage (default: {SECONDS:.0f})")
    parser.add_argument("--rate", type=int, default=RATE, help=f"requests a second (default: {RATE})")
    parser.add_argument("--only", action="append", choices=list(SCENARIOS), help="may be repeated")
    options = parser.parse_args()
    answered, measure = Answered(), Measure(options.kills, options.seconds)
    with tempfile.TemporaryDirectory(prefix="edge302-ledger-") as name, chain(Path(name)) as everything:
        results = [
            play(everything, one, answered, measure=measure, rate=options.rate) for one in options.only or SCENARIOS
        ]
    machine = {"system": platform.platform(), "python": platform.python_version()}
    print(json.dumps({**vars(options), "machine": machine, "results": results}, indent=2))
    return 1 if any(result["faults"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
