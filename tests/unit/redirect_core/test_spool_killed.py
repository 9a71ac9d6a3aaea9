"""kill -9 at any instant: what `record` returned True for is counted, and at most one click more."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from redirect_core import SpoolReader

CHILD = Path(__file__).with_name("recording_child.py")


@pytest.mark.parametrize("seed", range(25))
def test_a_killed_writer_loses_no_click(spool: Path, seed: int) -> None:
    kill_after = random.Random(seed).randrange(1, 5_000)
    answered = record_and_kill(spool, kill_after)
    reader = SpoolReader(str(spool))
    batches = reader.read({})
    counted = sum(clicks for batch in batches for *_, clicks in batch.counts)
    assert kill_after <= answered <= counted <= answered + 1
    assert [batch.lost for batch in batches] == [0]
    reader.free({batch.epoch: batch.last_seq for batch in batches})
    assert reader.size() == (0, 0, 0)
    reader.close()


def record_and_kill(spool: Path, kill_after: int) -> int:
    """Let a child record, kill it once it said `kill_after`; returns the last count that it said."""
    with subprocess.Popen([sys.executable, str(CHILD), str(spool)], stdout=subprocess.PIPE, bufsize=0) as child:
        assert child.stdout is not None
        answered = 0
        while answered < kill_after:
            answered = last_count(child.stdout.read(8 * 512))
        child.kill()
        while said := child.stdout.read(8 * 512):
            answered = last_count(said)
    return answered


def last_count(said: bytes) -> int:
    """The last count in what was said; writes and reads of a pipe by 8 bytes tear none."""
    assert said, "the child stopped by itself"
    return int.from_bytes(said[-8:], "little")
