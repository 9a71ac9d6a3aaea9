"""Fuzz what the edge compiles: build each target of redirect_core/fuzz, and run it for its time; docs/fuzzing.md."""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from devstack import fuzz_seeds
from devstack.locks import ROOT
from devstack.services import in_ci

CARGO_FUZZ_VERSION: Final = "0.13.1"
FUZZ: Final = ROOT / "redirect_core" / "fuzz"
WORK: Final = ROOT / "target" / "fuzz"
SECONDS: Final = 15
LINES_SHOWN: Final = 60
# A fuzzer's own sanitizers are nightly's. A stable compiler instruments for coverage just as well.
SANITIZED: Final = ("cargo", "+nightly", "fuzz", "run", "--sanitizer=address")
PLAIN: Final = ("cargo", "fuzz", "run", "--sanitizer=none")
_COVERAGE: Final = re.compile(r"^#\d+\s.*\bcov: (\d+)", re.MULTILINE)
_DONE: Final = re.compile(r"^Done (\d+) runs in (\d+) second", re.MULTILINE)


class Target(NamedTuple):
    """A fuzz target, what it begins with, and what libFuzzer must know of it."""

    name: str
    seeds: Callable[[], Iterable[bytes]]
    options: tuple[str, ...]


TARGETS: Final = (
    # A little more than the largest head; a leak of memory shows as a limit that is passed.
    Target("feed", fuzz_seeds.feed, (f"-dict={FUZZ / 'http.dict'}", "-max_len=10000", "-rss_limit_mb=1024")),
    Target("spool_reader", fuzz_seeds.spool_reader, ("-max_len=10000", "-rss_limit_mb=1024")),
)


def main() -> int:
    """Run all targets, or one; 1: one of them found something, or can't be run where nothing may be skipped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"of each target (default: {SECONDS})")
    parser.add_argument("--target", choices=[target.name for target in TARGETS], help="this one alone")
    options = parser.parse_args()
    if (reason := _install_cargo_fuzz()) is not None:
        print(f"{'missing' if in_ci() else 'skipped'}: fuzzing ({reason})")
        return 1 if in_ci() else 0
    command = SANITIZED if _has_nightly() else PLAIN
    if command is PLAIN:
        print("no nightly Rust here: fuzzing without the address sanitizer")
    chosen = [target for target in TARGETS if options.target in (None, target.name)]
    return max(_run(target, command, options.seconds) for target in chosen)


def told(output: str) -> str | None:
    """What a run that found nothing did; None: it did not come to its end."""
    done, coverage = _DONE.search(output), _COVERAGE.findall(output)
    if done is None or not coverage:
        return None
    return f"{int(done[1]):,} inputs in {done[2]} s, {int(coverage[-1]):,} edges covered, nothing found"


def _install_cargo_fuzz() -> str | None:
    """Have cargo-fuzz; returns why that can't be, or None."""
    if shutil.which("cargo") is None:
        return "no cargo"
    if subprocess.run(("cargo", "fuzz", "--version"), capture_output=True, check=False).returncode == 0:
        return None
    print(f"installing cargo-fuzz {CARGO_FUZZ_VERSION}", flush=True)
    install = ("cargo", "install", "--quiet", "--locked", "cargo-fuzz", "--version", CARGO_FUZZ_VERSION)
    done = subprocess.run(install, stderr=subprocess.PIPE, text=True, check=False)
    return f"`{' '.join(install)}` failed: {done.stderr.strip()}" if done.returncode else None


def _has_nightly() -> bool:
    """True if there is a nightly Rust, installed here and now if that can be."""
    if shutil.which("rustup") is None:
        return False
    if any(line.startswith("nightly-") for line in _rustup("toolchain", "list").stdout.splitlines()):
        return True
    return _rustup("toolchain", "install", "nightly", "--profile", "minimal", "--no-self-update").returncode == 0


def _rustup(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(("rustup", *arguments), capture_output=True, text=True, check=False)


def _run(target: Target, command: tuple[str, ...], seconds: int) -> int:
    corpus, seeds, artifacts = (WORK / kind / target.name for kind in ("corpus", "seeds", "artifacts"))
    corpus.mkdir(parents=True, exist_ok=True)
    artifacts.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(seeds, ignore_errors=True)
    fuzz_seeds.write(seeds, target.seeds())
    places = (f"--fuzz-dir={FUZZ}", f"--target-dir={WORK}", "--release", target.name, str(corpus), str(seeds))
    limits = (f"-max_total_time={seconds}", f"-artifact_prefix={artifacts}/", *target.options)
    done = subprocess.run((*command, *places, "--", *limits), stderr=subprocess.PIPE, text=True, check=False)
    summary = told(done.stderr) if done.returncode == 0 else None
    if summary is None:
        print("\n".join(done.stderr.splitlines()[-LINES_SHOWN:]))
        print(f"fuzz {target.name}: FAILED; what it found lies in {artifacts.relative_to(ROOT)}")
        return 1
    print(f"fuzz {target.name}: {summary}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
