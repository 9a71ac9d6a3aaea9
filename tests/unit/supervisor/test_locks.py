"""One owner a role: who has it is said, and its death gives it back."""

import os
import signal
import subprocess
import sys

import pytest

from edge302.locks import AlreadyRunning, RoleLock, holder, is_held
from shortlink.datadir import DataFolder


def test_the_second_taker_is_told_who_has_it(folder: DataFolder) -> None:
    lock = RoleLock.take(folder, "gateway")
    with pytest.raises(AlreadyRunning, match=rf"gateway already runs on .*process {os.getpid()}\).*kill {os.getpid()}"):
        RoleLock.take(folder, "gateway")
    lock.release()


def test_a_released_lock_can_be_taken_again(folder: DataFolder) -> None:
    RoleLock.take(folder, "api").release()
    RoleLock.take(folder, "api").release()


def test_roles_do_not_meet(folder: DataFolder) -> None:
    gateway, shipper = RoleLock.take(folder, "gateway"), RoleLock.take(folder, "shipper")
    gateway.release()
    shipper.release()


def test_is_held_only_looks(folder: DataFolder) -> None:
    assert not is_held(folder, "api")
    lock = RoleLock.take(folder, "api")
    assert is_held(folder, "api")
    lock.release()
    assert not is_held(folder, "api")
    assert holder(folder.role_lock("api")) == os.getpid()


def test_nobody_can_be_named_by_a_file_without_a_number(folder: DataFolder) -> None:
    assert holder(folder.role_lock("api")) is None
    folder.role_lock("api").write_text("?")
    assert holder(folder.role_lock("api")) is None


def test_a_role_runs_until_the_last_process_that_inherited_its_lock_is_gone(folder: DataFolder) -> None:
    take_and_leave = (
        "import subprocess, sys; from pathlib import Path; from edge302.locks import RoleLock;"
        "from shortlink.datadir import DataFolder;"
        f"lock = RoleLock.take(DataFolder(Path({str(folder.root)!r})), 'gateway');"
        "quiet = subprocess.DEVNULL;"
        "child = subprocess.Popen(['sleep', '60'], pass_fds=[lock.descriptor], stdout=quiet, stderr=quiet);"
        "print(child.pid)"
    )
    left = int(subprocess.run([sys.executable, "-c", take_and_leave], check=True, capture_output=True).stdout)
    try:
        with pytest.raises(AlreadyRunning, match="is gone, but what it started is still finishing"):
            RoleLock.take(folder, "gateway")
    finally:
        os.kill(left, signal.SIGKILL)
