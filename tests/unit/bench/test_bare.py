"""The bare server answers what it is compared for, with a real socket."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.check import check
from bench.links import code_of, target_of
from devstack.processes import free_port, listens, stop, wait_until

NUMBERS = range(500)


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[int]:
    file, port = tmp_path / "links.tsv", free_port()
    file.write_text("".join(f"{code_of(number)}\t{target_of(number)}\n" for number in NUMBERS))
    process = subprocess.Popen([sys.executable, "-m", "bench.targets.bare_uvloop", str(port), str(file)])
    try:
        wait_until(lambda: listens(port), process)
        yield port
    finally:
        stop(process)


def test_every_code_leads_to_its_target_also_when_pipelined(bare: int) -> None:
    targets = {code_of(number): target_of(number) for number in NUMBERS}
    assert check(bare, list(targets), targets.__getitem__) > 300
