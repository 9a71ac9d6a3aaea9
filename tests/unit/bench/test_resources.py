"""What the kernel and strace tell becomes figures."""

import pytest

from bench import memory, syscalls
from bench.syscalls import Trace
from bench.void import Void
from bench.worker import parse_anonymous

STRACE = """\
epoll_pwait(5, [{events=EPOLLIN, data={u32=14, u64=14}}, {events=EPOLLIN, data={u32=9, u64=9}}], 1024, 25, NULL, 8) = 2
read(14, ""..., 262144)                 = 51
write(14, ""..., 318)                   = 318
read(9, 0x7f0c, 262144)                 = -1 EAGAIN (Resource temporarily unavailable)
futex(0x7f0cd5, FUTEX_WAKE_PRIVATE, 1)  = 1
--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---
epoll_pwait(5, [], 1024, 1, NULL, 8)    = 0
read(14, ""..., 262144)                 = 102
epoll_pwait(5, strace: Process 7 detached
"""


def test_calls_are_counted_by_name_with_what_woke_the_loop_and_what_was_read() -> None:
    trace = syscalls.parse(STRACE.splitlines(keepends=True))
    assert trace == Trace(
        calls={"read": 3, "epoll_pwait": 2, "write": 1, "futex": 1},
        failed={"read EAGAIN": 1},
        wake_ups=2,
        ready=2,
        read_bytes=153,
    )


def test_calls_are_given_by_request_by_wake_up_and_by_ready_connection() -> None:
    calls = {"epoll_pwait": 10, "read": 640, "write": 640, "futex": 5}
    row = syscalls.summary("python", "plain", Trace(calls, {}, wake_ups=10, ready=640, read_bytes=32_000), 50)
    assert (row.requests, row.ready_a_wake_up, row.reads_a_ready, row.writes_a_ready) == (640, 64.0, 1.0, 1.0)
    assert row.others_a_wake_up == 0.5
    assert row.calls_a_request == 1295 / 640


def test_a_trace_of_an_idle_worker_proves_nothing() -> None:
    with pytest.raises(Void):
        syscalls.summary("python", "plain", Trace({"epoll_pwait": 4}, {}, wake_ups=4, ready=0, read_bytes=0), 50)


def test_memory_is_that_of_the_process_alone() -> None:
    assert parse_anonymous("VmRSS:\t   99 kB\nRssAnon:\t   12 kB\nRssFile:\t    7 kB\n") == 12 * 1024


def test_targets_whose_memory_is_measured_have_80_bytes_each() -> None:
    assert {len(memory.target_of(number)) for number in (0, 7, 1_999_999)} == {80}
    assert len({memory.target_of(number) for number in range(1_000)}) == 1_000
