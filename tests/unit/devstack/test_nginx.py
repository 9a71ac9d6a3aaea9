"""The nginx that benchmarks and tests compare with: started for real, and gone afterwards."""

import http.client
from pathlib import Path

import pytest

from devstack import processes
from devstack.nginx import installed, nginx

pytestmark = pytest.mark.skipif(not installed(), reason="nginx is not installed: `make services` installs it")


def test_nginx_answers_while_the_block_runs_and_is_gone_after(tmp_path: Path) -> None:
    port = processes.free_port()
    server = f"server {{ listen 127.0.0.1:{port}; return 302 https://example.com/; }}"
    with nginx(tmp_path, server, port=port) as process:
        connection = http.client.HTTPConnection(processes.LOOPBACK, port, timeout=5)
        connection.request("GET", "/")
        reply = connection.getresponse()
        assert (reply.status, reply.headers["Location"]) == (302, "https://example.com/")
        connection.close()
    assert process.returncode == 0
    assert not processes.listens(port)


def test_a_config_that_nginx_refuses_is_told_with_its_reason(tmp_path: Path) -> None:
    port = processes.free_port()
    with pytest.raises(processes.NotReady, match="no_such_directive"), nginx(tmp_path, "no_such_directive;", port=port):
        pass


def test_a_module_that_is_not_there_is_told(tmp_path: Path) -> None:
    port, modules = processes.free_port(), ["/no-such-module.so"]
    with (
        pytest.raises(processes.NotReady, match=r"no-such-module\.so"),
        nginx(tmp_path, "", port=port, modules=modules),
    ):
        pass
