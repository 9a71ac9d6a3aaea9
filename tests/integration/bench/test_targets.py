"""Every server that edge302 is compared with does the job it is compared for, with replies of the length asked for."""

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import pytest
from redis import Redis

from bench.check import Replies, check
from bench.heads import plain
from bench.links import code_of, target_of
from bench.targets import nginx_lua, nginx_map, redirect_rs, v1
from bench.targets.redis_links import CLICKS
from bench.targets.serving import Serving
from devstack import nginx, redis

LINKS: Final = [(code_of(number), target_of(number)) for number in range(3)]
CODES: Final = [code for code, _ in LINKS]
UNKNOWN: Final = "unknown"
REPLY_BYTES: Final = 318  # as edge302's own for links like these

Start = Callable[[Path, Sequence[tuple[str, str]], int], AbstractContextManager[Serving]]
TARGETS: Final[dict[str, tuple[Start, bool]]] = {
    nginx_map.NAME: (nginx_map.nginx_map, nginx.installed()),
    nginx_lua.NAME: (nginx_lua.nginx_lua, nginx_lua.installed()),
    v1.NAME: (v1.v1, redis.installed()),
    redirect_rs.CACHE_ON: (redirect_rs.cache_on, redirect_rs.installed()),
    redirect_rs.CACHE_OFF: (redirect_rs.cache_off, redirect_rs.installed()),
}
pytestmark = pytest.mark.slow  # each is a server or two, and one of them is compiled first


@pytest.fixture(params=list(TARGETS))
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Serving]:
    start, is_installed = TARGETS[request.param]
    if not is_installed:
        pytest.skip(f"what {request.param} needs is not installed: `make services` installs it")
    with start(tmp_path, LINKS, REPLY_BYTES) as serving:
        assert serving.name == request.param
        yield serving


def test_it_redirects_each_code_to_its_target_and_knows_no_other(server: Serving) -> None:
    assert check(server.port, CODES * 50, server.target_of) == REPLY_BYTES
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(plain(UNKNOWN))
        status, location, _ = Replies(connection).next()
    assert (status, location) == (404, None)


def test_it_counts_each_redirect_within_two_seconds(server: Serving, tmp_path: Path) -> None:
    before = _clicks(server, tmp_path)  # a probe's, of how long the replies are
    check(server.port, CODES * 7, server.target_of)
    deadline = time.monotonic() + 2
    while (counts := _clicks(server, tmp_path)) != before + Counter(CODES * 7):
        assert time.monotonic() < deadline, f"{before} became {counts}"
        time.sleep(0.02)


def _clicks(server: Serving, folder: Path) -> Counter[str]:
    """Clicks by code: from the Redis behind a server, or from the log of one that has none."""
    if not server.more_pids:
        return Counter(line.split()[6].removeprefix("/") for line in (folder / "access.log").read_text().splitlines())
    with Redis(port=_port_of_redis(server.more_pids[0])) as client:
        return Counter({code: int(client.get(CLICKS + code) or 0) for code in CODES})


def _port_of_redis(pid: int) -> int:
    """Redis writes the address that it listens on over its command line."""
    title = Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0 ")
    return int(title.rpartition(":")[2])
