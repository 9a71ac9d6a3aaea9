"""nginx doing a redirect service's job: it looks each code up among all links and logs each request."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench import check
from bench.targets.serving import SERVER_CORE, Serving
from devstack.nginx import nginx
from devstack.processes import free_port

NAME: Final = "nginx map + log"
_SCHEME: Final = "http://"
# Twice as many buckets as links, each with room for the fullest: a look-up touches one line of the CPU's cache.
# `map` ignores case in what it looks up, codes don't: it answers for other spellings of a code too.
_CONFIG: Final = """\
server_tokens off;
    keepalive_requests 1000000000;
    map_hash_max_size {buckets};
    map_hash_bucket_size 512;
    map $uri $target {{ include {links}; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        access_log {log} combined buffer=64k flush=1s;
        location / {{
            if ($target = "") {{ return 404; }}
            return 302 $target;
        }}
    }}"""
_LONGEST_LOG_BYTES: Final = 256 * 2**20


@contextmanager
def nginx_map(folder: Path, links: Sequence[tuple[str, str]], reply_bytes: int) -> Iterator[Serving]:
    """One worker, with a `map` of all codes and a buffered access log.

    nginx puts 138 bytes of HTML under each redirect, so its links lead to shorter targets: the replies, not the
    targets, have the length of the others'.
    """
    (folder / "probe").mkdir()
    with _nginx(folder / "probe", [(links[0][0], _SCHEME)]) as serving:
        digits = reply_bytes - check.check(serving.port, [links[0][0]], serving.target_of)
    assert digits > 0, "nginx's own replies are longer: make the links' targets longer"
    assert len(links) <= 16**digits, "too many links for different targets this short: make them longer"
    shortened = [(code, f"{_SCHEME}{number:0{digits}x}") for number, (code, _) in enumerate(links)]
    with _nginx(folder, shortened) as serving:
        yield serving


@contextmanager
def _nginx(folder: Path, links: Sequence[tuple[str, str]]) -> Iterator[Serving]:
    port, map_file, log = free_port(), folder / "links.map", folder / "access.log"
    map_file.write_text("".join(f"/{code} {target};\n" for code, target in links))
    config = _CONFIG.format(buckets=max(2048, 2 * len(links)), links=map_file, port=port, log=log)
    with nginx(folder, config, port=port, prefix=SERVER_CORE) as process, _kept_short(log):
        yield Serving(NAME, process.pid, port, dict(links).__getitem__)


@contextmanager
def _kept_short(log: Path) -> Iterator[None]:
    """Empty the log now and then, as its rotation would: at full load it grows by some 15 MB a second."""
    done = threading.Event()

    def keep_short() -> None:
        while not done.wait(1):
            if log.stat().st_size > _LONGEST_LOG_BYTES:
                os.truncate(log, 0)  # nginx appends: it goes on at the new end

    thread = threading.Thread(target=keep_short)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
