"""Count the instructions that one request costs the engine, and fail where they grew: time differs, they don't."""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from devstack.locks import ROOT
from devstack.services import find, in_ci

BASELINES: Final = ROOT / "docs" / "instruction_baselines.json"
CORPORA: Final = ("plain", "browser", "strangers", "deep", "refused")
REQUESTS: Final = 50_000
# Two runs differ by less than 1 %: hashes are seeded anew in each.
TOLERANCE: Final = 0.02
BUILD: Final = ("cargo", "bench", "--locked", "--bench", "feed", "--no-run", "--message-format=json")
# Only what happens inside is counted: filling the cache would be more than all the rest.
CALLGRIND: Final = (
    "valgrind",
    "--tool=callgrind",
    "--callgrind-out-file=/dev/null",
    "--toggle-collect=feed::Bench::feed*",
)
# Those that the crates and libc choose their code by; valgrind hides newer ones from them.
CPU_FLAGS: Final = frozenset({"aes", "avx2", "bmi1", "bmi2", "erms", "movbe", "pclmulqdq", "sse4_2", "ssse3"})
_COLLECTED: Final = re.compile(r"^==\d+== Collected : (\d+)$", re.MULTILINE)


def main() -> int:
    """Count, compare, say what came of it; 1: more than kept, or it can't be counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep these counts as the new baselines")
    write = parser.parse_args().write
    if find("valgrind") is None:
        print("instructions not counted: valgrind is not installed")
        return 1 if in_ci() or write else 0
    conditions = conditions_here()
    kept: dict[str, Any] = (
        json.loads(BASELINES.read_text()) if BASELINES.exists() else {"conditions": conditions, "instructions": {}}
    )
    differing = differences(kept["conditions"], conditions)
    if differing and not write:
        print(f"instructions not compared, because counts of another {', '.join(differing)} tell nothing:")
        print(f"    kept with {kept['conditions']}\n    here is   {conditions}")
        return 0
    counts = count(binary())
    if write:
        kept = {"conditions": conditions, "instructions": counts}
        BASELINES.write_text(json.dumps(kept, indent=2) + "\n")
    return _tell(counts, kept["instructions"])


def differences(kept: Mapping[str, object], here: Mapping[str, object]) -> list[str]:
    """Names of the conditions that are not the same: counts under them can't be compared."""
    return sorted(name for name in kept.keys() | here.keys() if kept.get(name) != here.get(name))


def verdict(counted: float, kept: float | None) -> str:
    """What a count is beside the one that was kept; it begins with WORSE when that is a failure."""
    if kept is None:
        return "NEW: `make instructions ARGS=--write` keeps it"
    change = counted / kept - 1
    if change > TOLERANCE:
        return f"WORSE: {change:+.1%} on {kept:,.0f}"
    if change < -TOLERANCE:
        return f"BETTER: {change:+.1%} on {kept:,.0f}; `make instructions ARGS=--write` keeps that"
    return f"OK: {change:+.1%} on {kept:,.0f}"


def conditions_here() -> dict[str, object]:
    """All that instruction counts depend on besides the code."""
    flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "rustc": _said_by("rustc", "--version"),
        "valgrind": _said_by("valgrind", "--version"),
        "libc": os.confstr("CS_GNU_LIBC_VERSION"),
        "cpu": sorted(CPU_FLAGS & set(flags[1].split() if flags else ())),
    }


def binary() -> str:
    """Build redirect_core's bench; where it is."""
    built = subprocess.run(BUILD, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return executable(built.stdout.splitlines())


def executable(messages: Iterable[str]) -> str:
    """The bench's path in what cargo tells in JSON."""
    parsed: Iterable[dict[str, Any]] = (json.loads(message) for message in messages)
    return next(str(one["executable"]) for one in parsed if one.get("executable") and one["target"]["name"] == "feed")


def count(bench: str) -> dict[str, float]:
    """Instructions a request, by corpus."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # unlike times, counts don't mind company
        return dict(zip(CORPORA, pool.map(lambda corpus: _count(bench, corpus), CORPORA), strict=True))


def collected(report: str) -> int:
    """The count in what callgrind says at its end."""
    found = _COLLECTED.search(report)
    if found is None or found[1] == "0":
        raise RuntimeError(f"callgrind counted nothing:\n{report}")
    return int(found[1])


def _count(bench: str, corpus: str) -> float:
    command = (*CALLGRIND, bench, corpus, str(REQUESTS))
    done = subprocess.run(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, check=False)
    return round(collected(done.stderr) / REQUESTS, 1)


def _said_by(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _tell(counts: Mapping[str, float], kept: Mapping[str, float]) -> int:
    verdicts = {corpus: verdict(counted, kept.get(corpus)) for corpus, counted in counts.items()}
    for corpus, said in verdicts.items():
        print(f"{corpus:10} {counts[corpus]:8,.0f} instructions a request   {said}")
    return 1 if any(said.startswith("WORSE") for said in verdicts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
