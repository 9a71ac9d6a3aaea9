"""What comes through nginx: the split, addresses, limits, TLS, and what is said when a side is down."""

import json
import socket
import subprocess
from pathlib import Path

import pytest

from devstack.processes import free_port
from tests.acceptance.node import Node, wait_until
from tests.integration.nginx.conftest import UNKNOWN_PER_MINUTE, upstreams
from tests.integration.nginx.front import Front, ask_on, front, tls_client
from tests.integration.node.http import read_reply, request

TARGET = "https://example.com/nginx"


def test_codes_and_aliases_go_to_the_gateways(site: Front, node: Node) -> None:
    code, alias = node.shorten(TARGET), node.shorten(TARGET, alias="spring-sale_26")
    for path in (f"/{code}", f"/{alias}", f"/{code}?utm=1"):
        reply, _ = site.ask(path)
        assert (reply.status, reply.header("Location")) == (302, TARGET)


def test_head_is_answered_without_a_body(site: Front, node: Node) -> None:
    reply, body = site.ask(f"/{node.shorten(TARGET)}", method="HEAD")
    assert (reply.status, reply.header("Location"), body) == (302, TARGET, b"")


@pytest.mark.parametrize("path", ["/a/b", "/no.dots", "//double", "/%61bcdefg", "/metrics", "/api", "/healthcheck/x"])
def test_what_is_nobodys_is_404(site: Front, path: str) -> None:
    assert site.ask(path)[0].status == 404


@pytest.mark.parametrize("path", ["/", "/robots.txt", "/healthz"])
def test_fixed_paths_of_the_edge_come_from_the_edge(site: Front, path: str) -> None:
    assert site.ask(path)[0].status == 200


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/api/docs", "/api/openapi.json"])
def test_the_control_plane_is_there_for_its_operators_alone(site: Front, path: str) -> None:
    assert site.ask(path)[0].status == 200
    assert site.ask(path, source="127.0.3.1")[0].status == 403
    assert site.ask(path, "X-Forwarded-For: 127.0.0.1", source="127.0.3.1")[0].status == 403


def test_a_path_in_disguise_does_not_pass_the_allow_list(site: Front) -> None:
    for path in ("/x/../api/docs", "/api/./docs", "//api/docs", "/%61pi/docs"):
        assert site.ask(path, source="127.0.3.1")[0].status in (403, 404)


def test_a_location_of_8000_bytes_comes_through(site: Front, node: Node) -> None:
    target = "https://example.com/".ljust(8_000, "x")
    assert site.ask(f"/{node.shorten(target)}")[0].header("Location") == target


def test_pipelined_requests_are_all_answered(site: Front, node: Node) -> None:
    head = request(f"/{node.shorten(TARGET)}", method="HEAD")
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as client:
        client.sendall(head * 16)
        received = b""
        while received.count(b"\r\n\r\n") < 16:
            received += client.recv(65_536)
    assert received.count(b"HTTP/1.1 302 ") == 16


def test_the_budget_for_unknown_codes_is_the_clients_own(site: Front) -> None:
    """Two workers have a budget each; forged addresses win no more of it."""
    statuses = [
        site.ask(f"/none-{n}", f"X-Forwarded-For: 9.9.{n}.9", "Forwarded: for=8.8.8.8", source="127.0.1.1")[0].status
        for n in range(3 * UNKNOWN_PER_MINUTE)
    ]
    assert set(statuses) == {404, 429}
    assert site.ask("/none-at-all", source="127.0.2.1")[0].status == 404


def test_a_request_has_one_id_and_each_header_once(site: Front) -> None:
    reply, _ = site.ask("/api/docs", "X-Request-Id: chosen-by-the-client")
    identity = reply.header("X-Request-ID")
    assert identity is not None
    assert identity != "chosen-by-the-client"
    names = [line.partition(":")[0].lower() for line in reply.head.splitlines()[1:] if line]
    assert len(names) == len(set(names))
    assert {"x-frame-options", "content-security-policy", "referrer-policy", "x-content-type-options"} <= set(names)
    assert "sha256-" in (reply.header("Content-Security-Policy") or "")


@pytest.mark.slow
def test_creates_are_limited_by_client_and_redirects_are_not(folder: Path, node: Node) -> None:
    variables = {"NGINX_CREATES_PER_SECOND": "1", "NGINX_CREATES_BURST": "2", "NGINX_ADMIN_ALLOW": "all"}
    with front(folder / "limits", **upstreams(folder, node), **variables) as site:
        body = json.dumps({"url": TARGET}).encode()
        fields = (f"Authorization: Bearer {node.key}", "Content-Type: application/json")

        def create(source: str) -> tuple[int, str | None, bytes]:
            reply, text = site.ask("/api/shorten", *fields, method="POST", body=body, source=source)
            return reply.status, reply.header("Retry-After"), text

        made = [create("127.0.0.1") for _ in range(6)]
        assert [status for status, _, _ in made[:3]] == [201, 201, 201]
        assert made[-1][:2] == (429, "1")
        assert json.loads(made[-1][2])["status"] == 429
        assert create("127.0.4.1")[0] == 201
        code = json.loads(made[0][2])["code"]
        assert {site.ask(f"/{code}")[0].status for _ in range(30)} == {302}
        assert site.ask("/api/links", *fields)[0].status == 200


@pytest.mark.slow
def test_a_proxy_in_front_is_believed_when_it_is_named(folder: Path, node: Node) -> None:
    variables = {"NGINX_REAL_IP_FROM": "127.0.5.0/24", "NGINX_ADMIN_ALLOW": "10.1.0.0/16"}
    with front(folder / "behind", **upstreams(folder, node), **variables) as site:
        assert site.ask("/health", "X-Forwarded-For: 6.6.6.6, 10.1.2.3", source="127.0.5.1")[0].status == 200
        assert site.ask("/health", "X-Forwarded-For: 10.1.2.3", source="127.0.6.1")[0].status == 403


@pytest.mark.slow
def test_gateways_that_are_down_are_said_to_be(folder: Path, node: Node) -> None:
    away = f"127.0.0.1:{free_port()}"
    with front(folder / "down", **upstreams(folder, node) | {"NGINX_GATEWAYS": away}) as site:
        reply, body = site.ask("/abcdefg")
        assert (reply.status, reply.header("Retry-After")) == (503, "5")
        assert b"cannot be followed right now" in body
        assert site.ask("/api/docs")[0].status == 200


@pytest.mark.slow
def test_redirects_go_on_without_a_control_plane(folder: Path, node: Node) -> None:
    code = node.shorten(TARGET)
    away = f"127.0.0.1:{free_port()}"
    with front(folder / "uncontrolled", **upstreams(folder, node) | {"NGINX_CONTROLS": away}) as site:
        assert site.ask(f"/{code}")[0].status == 302
        reply, body = site.ask("/api/links")
        assert (reply.status, reply.header("Content-Type")) == (503, "application/problem+json")
        assert json.loads(body)["title"] == "The control plane is down"


@pytest.mark.slow
def test_a_gateway_that_is_gone_costs_no_visitor_anything(folder: Path, node: Node) -> None:
    code = node.shorten(TARGET)
    gateways = f"unix:{folder}/gone.sock,unix:{folder}/edge.sock.0"
    with front(folder / "half", **upstreams(folder, node) | {"NGINX_GATEWAYS": gateways}) as site:
        assert {site.ask(f"/{code}", method=method)[0].status for method in ("GET", "HEAD") * 10} == {302}


@pytest.mark.slow
def test_tls_speaks_http_2_and_plain_http_leads_to_it(folder: Path, node: Node) -> None:
    code, port = node.shorten(TARGET), free_port()
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    make_certificate(certificate, key)
    variables = {
        "NGINX_HTTPS_PORT": f"127.0.0.1:{port}",
        "NGINX_TLS_CERTIFICATE": str(certificate),
        "NGINX_TLS_KEY": str(key),
    }
    with front(folder / "tls", **upstreams(folder, node), **variables) as site:
        with tls_client(port) as client:
            assert ask_on(client, f"/{code}")[0].header("Location") == TARGET
        with tls_client(port) as client:
            reply, _ = ask_on(client, "/api/docs")
            assert (reply.header("Strict-Transport-Security") or "").startswith("max-age=")
        with tls_client(port, protocols=("h2", "http/1.1")) as client:
            assert client.selected_alpn_protocol() == "h2"
        command = ["h2load", "-n", "200", "-c", "2", "-m", "20", f"https://127.0.0.1:{port}/{code}"]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert "200 3xx" in told, told
        reply, _ = site.ask(f"/{code}?a=b")
        assert (reply.status, reply.header("Location")) == (308, f"https://go.example:{port}/{code}?a=b")


@pytest.mark.slow
def test_the_access_log_has_no_queries(folder: Path, node: Node) -> None:
    log = folder / "access.log"
    code = node.shorten(TARGET)
    with front(folder / "logged", **upstreams(folder, node), NGINX_ACCESS_LOG=str(log)) as site:
        assert site.ask(f"/{code}?secret=1")[0].status == 302
        wait_until(lambda: log.stat().st_size > 0, 5.0)
    assert f'"GET /{code} HTTP/1.1" 302' in log.read_text()
    assert "secret" not in log.read_text()


def test_connections_to_the_gateways_are_kept(site: Front, node: Node) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as client:
        for _ in range(3):
            client.sendall(request(f"/{node.shorten(TARGET)}"))
            reply = read_reply(client)
            assert (reply.status, reply.header("Connection")) == (302, "keep-alive")


def make_certificate(certificate: Path, key: Path) -> None:
    """A certificate that signs itself."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=go.example"
    subprocess.run([*command.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
