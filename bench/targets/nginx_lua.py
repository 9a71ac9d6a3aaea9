"""nginx + Lua + Redis: the redirect service that one writes into nginx itself."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.targets.padding import padded
from bench.targets.redis_links import redis_with
from bench.targets.serving import SERVER_CORE, Serving
from devstack import services
from devstack.nginx import nginx
from devstack.processes import free_port

NAME: Final = "nginx + Lua + Redis"
_HANDLER: Final = Path(__file__).with_name("nginx_lua.lua")
# Lua's needs the development kit's, which its package brings.
_MODULES: Final = (str(Path(services.LUA_MODULE).with_name("ndk_http_module.so")), services.LUA_MODULE)
_CONFIG: Final = """\
server_tokens off;
    keepalive_requests 1000000000;
    init_by_lua_block {{ redirect = dofile("{handler}")({redis_port}, "{padding}") }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ content_by_lua_block {{ redirect() }} }}
    }}"""


def installed() -> bool:
    """False: tests that need it say so and skip."""
    return all(services.find(needed) for needed in ("nginx", "redis-server", *_MODULES, services.LUA_REDIS))


@contextmanager
def nginx_lua(folder: Path, links: Sequence[tuple[str, str]], reply_bytes: int) -> Iterator[Serving]:
    """One worker without a log, and Redis, both on the servers' core."""
    targets = dict(links)
    with redis_with(folder, links) as redis:

        @contextmanager
        def start(padding: str) -> Iterator[Serving]:
            port = free_port()
            config = _CONFIG.format(handler=_HANDLER, redis_port=redis.port, padding=padding, port=port)
            with nginx(folder, config, port=port, prefix=SERVER_CORE, modules=_MODULES) as process:
                yield Serving(NAME, process.pid, port, targets.__getitem__, (redis.pid,))

        with padded(start, links[0][0], reply_bytes) as serving:
            yield serving
