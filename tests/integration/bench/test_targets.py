"""Every server that edge302 is compared with does the job it is compared for, with replies of the length asked for."""

import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import pytest

from bench.check import Replies, check
from bench.heads import plain
from bench.links import code_of, target_of
from bench.targets import nginx_lua, nginx_map, redirect_rs, v1
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
    redirect_rs.CACHE_ON: (redirect_rs.cache_on, redis.installed() and shutil.which("cargo") is not None),
    redirect_rs.CACHE_OFF: (redirect_rs.cache_off, redis.installed() and shutil.which("cargo") is not None),
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
