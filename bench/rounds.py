"""Rounds: each server under each load, in an order drawn anew, every link checked right before."""

import random
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Final

from bench import check, cpu, wrk
from bench.check import Form
from bench.edits import editing
from bench.servers import Contestant
from bench.void import Void
from bench.workloads import Workload

COUNTING: Final = "clicks"  # the role of edge302's shipper
SAMPLE: Final = 1_000  # codes checked after each measurement, and before it where nothing is to be warmed up


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement.

    Attributes:
        cpu_us: server CPU per request, user and system, of all its processes.
        reply_bytes: of each reply.
        miss_share: requests that edge302's worker could not answer from memory; None: another server.
        edits: links edited meanwhile.
    """

    server: str
    workload: str
    requests: int
    rate: float
    cpu_us: float
    cpu_us_by_role: dict[str, float]
    server_busy: float
    load_busy: float
    p50_us: int
    p99_us: int
    reply_bytes: int
    miss_share: float | None
    edits: int


@dataclass(slots=True)
class Rounds:
    """What grows while rounds go on.

    Attributes:
        sizes: bytes of the replies to each form of request, which must be the same on every server.
        checked: replies compared one by one.
    """

    done: list[Round] = field(default_factory=list)
    sizes: dict[Form, int] = field(default_factory=dict)
    checked: int = 0

    def run(
        self, contestants: Mapping[str, Contestant], workloads: Sequence[Workload], rounds: int, seconds: int
    ) -> None:
        """Measure every load on its servers.

        Raises:
            Void: a reply was wrong.
        """
        for number in range(rounds):
            chance = random.Random(number)
            for workload in workloads:
                if number == 0 or not workload.once:
                    # No server always goes first, or always after the same one.
                    for key in chance.sample(workload.servers, len(workload.servers)):
                        one = self._measure(contestants[key], workload, number, workload.seconds or seconds)
                        self.done.append(one)
                        print(f"round {number + 1}  {_progress(one)}", file=sys.stderr, flush=True)

    def _measure(self, server: Contestant, workload: Workload, number: int, seconds: int) -> Round:
        requests = workload.requests(number)
        codes = workload.codes if number == 0 or server.remembers else self._sample(workload)
        with _held_back(server, workload):
            reply_bytes = self._check_before(server, workload, codes)
            if not workload.counted_later:
                _settle(server)
            before, worker = cpu.cpu_seconds(*server.pids), _worker(server)
            with _edits(server, workload) as edited:
                load = wrk.run(server.port, requests, seconds, refused=_is_refused(server, workload))
            at_end = cpu.cpu_seconds(*server.pids)
        _settle(server)  # clicks are counted a moment later: that belongs to the price
        after = cpu.cpu_seconds(*server.pids)
        missed = _misses(server, worker)
        must_be_whole(server, workload, load, reply_bytes)
        _account(server, workload, load.requests)
        server.ledger.in_flight += wrk.CONNECTIONS * workload.depth
        self._check(server, workload, [*self._sample(workload), *dict.fromkeys(edited)])
        by_role = {role: (after[role] - before.get(role, 0.0)) / load.requests * 1e6 for role in after}
        if workload.counted_later and COUNTING in by_role:  # it has counted the clicks of the check as well
            by_role[COUNTING] *= load.requests / (load.requests + len(codes))
        return Round(
            server=server.name,
            workload=workload.name,
            requests=load.requests,
            rate=load.rate,
            cpu_us=sum(by_role.values()),
            cpu_us_by_role=by_role,
            server_busy=(sum(at_end.values()) - sum(before.values())) / load.seconds,
            load_busy=load.busy,
            p50_us=load.p50_us,
            p99_us=load.p99_us,
            reply_bytes=reply_bytes,
            miss_share=None if missed is None else missed / load.requests,
            edits=len(edited),
        )

    def _check_before(self, server: Contestant, workload: Workload, codes: Sequence[str]) -> int:
        """Ask for these codes, so that what is remembered is warm. Returns the size of the replies."""
        if workload.form is not check.GET:
            check.check(server.port, codes, server.target_of)
            server.ledger.answered += len(codes)
            codes = self._sample(workload)
        return self._check(server, workload, codes)

    def _check(self, server: Contestant, workload: Workload, codes: Sequence[str]) -> int:
        size = check.check(server.port, codes, server.target_of, workload.form)
        if workload.equal and size != (expected := self.sizes.setdefault(workload.form, size)):
            raise Void(f"{server.name} replies to {workload.name} with {size} bytes, the others with {expected}")
        self.checked += len(codes)
        _account(server, workload, len(codes))
        return size

    def _sample(self, workload: Workload) -> list[str]:
        chance, count = random.Random(len(self.done)), min(len(workload.codes), SAMPLE)
        return chance.sample(workload.codes, count)


def must_be_whole(server: Contestant, workload: Workload, load: wrk.Load, reply_bytes: int) -> None:
    """All replies have one size: another reply than a redirect would show in the bytes.

    Raises:
        Void: it does, or requests that were to be sent once were sent twice.
    """
    in_flight = wrk.CONNECTIONS * workload.depth
    surplus = load.bytes_read - load.requests * reply_bytes
    if not 0 <= surplus <= in_flight * reply_bytes:
        raise Void(f"{server.name}: {load.requests} replies of {reply_bytes} bytes are not {load.bytes_read} bytes")
    if workload.fresh is not None and load.requests + in_flight > workload.fresh:
        raise Void(f"{server.name} answered {load.requests} requests; fresh ones were there for {workload.fresh}")


def _account(server: Contestant, workload: Workload, replies: int) -> None:
    if workload.form is check.HEAD:
        server.ledger.heads += replies
    elif not _is_refused(server, workload):
        server.ledger.answered += replies


def _is_refused(server: Contestant, workload: Workload) -> bool:
    """Whether the codes of a load are unknown to the server; it knows all of them, or none."""
    return server.target_of(workload.codes[0]) is None


def _settle(server: Contestant) -> None:
    """Wait until it is done with what it was asked; a server on its own is, once it has answered."""
    if server.node is not None or len(server.pids) > 1:
        cpu.settle(*server.pids)


def _worker(server: Contestant) -> Mapping[str, int]:
    """What the worker counts; empty for other servers."""
    return server.worker.counters() if server.worker else {}


def _misses(server: Contestant, before: Mapping[str, int]) -> int | None:
    """Requests since then that were not answered from memory; None for other servers.

    Void: the worker is another one than before.
    """
    now = _worker(server)
    if not now:
        return None
    if now["pid"] != before["pid"]:
        raise Void(f"{server.name} lost its worker under load")
    return now["cache_misses"] - before["cache_misses"]


def _held_back(server: Contestant, workload: Workload) -> AbstractContextManager[None]:
    if server.node is None or not workload.counted_later:
        return nullcontext()
    return cpu.held(COUNTING, *server.pids)


def _edits(server: Contestant, workload: Workload) -> AbstractContextManager[Sequence[str]]:
    if server.node is None or not workload.edits:
        return nullcontext(())
    return editing(server.node, workload.edits, server.targets)


def _progress(one: Round) -> str:
    missed = f", {one.miss_share:.1%} missed" if one.miss_share else ""
    return (
        f"{one.workload:31} {one.server:31} {one.rate:9,.0f}/s  {one.cpu_us:6.2f} µs  "
        f"server {one.server_busy:.0%}, load {one.load_busy:.0%} busy{missed}"
    )
