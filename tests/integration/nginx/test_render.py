"""The config is refused before nginx sees it when a value can't be right, and is the same from envsubst."""

import os
import subprocess
from pathlib import Path

import pytest

from control_api.app import ROUTES
from devstack.services import find
from tests.integration.nginx.front import NGINX_FOLDER, render


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"NGINX_GATEWAYS": "localhost"}, "NGINX_GATEWAYS: 'localhost' is neither host:port nor unix:/PATH"),
        ({"NGINX_GATEWAYS": ","}, "NGINX_GATEWAYS: names no server"),
        ({"NGINX_HOSTS": "go.example; root /"}, "NGINX_HOSTS: 'go.example; root /' has a character that would end"),
        ({"NGINX_KEEPALIVE": "0"}, "NGINX_KEEPALIVE: '0' is no whole number above 0"),
        ({"NGINX_ADMIN_ALLOW": "10.0.0.1/8"}, "NGINX_ADMIN_ALLOW: 10.0.0.1/8 has host bits set"),
        ({"NGINX_TLS_KEY": "/key"}, "NGINX_TLS_CERTIFICATE and NGINX_TLS_KEY go together"),
        ({"NGINX_HTTP_PORT": "80,http"}, "NGINX_HTTP_PORT: 'http' is neither a port nor address:port"),
        ({"NGINX_HTTP_PORT": ","}, "NGINX_HTTP_PORT: names no port"),
        ({"NGINX_GATEWAY": "127.0.0.1:8080"}, "NGINX_GATEWAY: no such variable; --help lists them"),
    ],
)
def test_a_value_that_cannot_be_right_is_refused_in_one_line(variables: dict[str, str], complaint: str) -> None:
    done = render(**variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"render: {complaint}")
    assert done.stderr.count("\n") == 1


def test_help_names_every_variable_of_the_template() -> None:
    shown = render("--help").stdout
    printed = render("--variables").stdout
    assert {line.partition("=")[0] for line in printed.splitlines()} >= {"NGINX_GATEWAYS", "NGINX_LISTEN"}
    assert "NGINX_TLS_CERTIFICATE" in shown
    assert "${NGINX_" not in render().stdout


def test_nginx_may_listen_in_several_places_beside_other_sites() -> None:
    assert "\n    listen 80; listen [::]:80;\n" in render(NGINX_HTTP_PORT="80,[::]:80", NGINX_HOSTS="go.example").stdout


def test_what_the_official_image_sets_itself_is_no_mistake() -> None:
    assert render(NGINX_VERSION="1.22.1", NGINX_ENVSUBST_FILTER="^NGINX_").stdout == render().stdout


def test_a_newer_build_is_given_http_3_and_its_own_spelling_of_http_2(tmp_path: Path) -> None:
    newer = tmp_path / "nginx"
    newer.write_text("#!/bin/sh\necho 'nginx version: nginx/1.28.0 --with-http_v3_module' >&2\n")
    newer.chmod(0o700)
    variables = {"NGINX_TLS_CERTIFICATE": "/c", "NGINX_TLS_KEY": "/k", "NGINX_HTTPS_PORT": "443,[::]:443"}
    shown = render("--nginx", str(newer), **variables).stdout
    assert "listen 443 ssl default_server; listen [::]:443 ssl default_server; http2 on;" in shown
    assert "listen 443 quic reuseport default_server; listen [::]:443 quic reuseport default_server;" in shown
    assert "add_header Alt-Svc 'h3=\":443\"; ma=86400';" in shown


def test_envsubst_makes_the_same_of_the_printed_variables() -> None:
    variables = dict(line.split("=", 1) for line in render("--variables").stdout.splitlines())
    names = " ".join(f"${{{name}}}" for name in variables)
    template = (NGINX_FOLDER / "edge302.conf.template").read_text()
    done = subprocess.run(
        ["envsubst", names], env=os.environ | variables, input=template, capture_output=True, text=True, check=True
    )
    assert done.stdout == render().stdout


def test_every_path_of_the_control_plane_is_one_that_nginx_gives_to_it() -> None:
    paths = {str(getattr(route, "path", "")) for route in ROUTES}
    assert {path for path in paths if not path.startswith("/api/")} == {"/health", "/health/live", "/health/ready"}


def test_nginx_takes_the_frame_with_the_config_in_it(tmp_path: Path) -> None:
    (tmp_path / "edge302.conf").write_text(render().stdout)
    frame = (NGINX_FOLDER / "nginx.conf").read_text()
    moved = {"/etc/nginx/conf.d": str(tmp_path), "/var/log/nginx": str(tmp_path), "/run/nginx.pid": f"{tmp_path}/pid"}
    for was, now in {**moved, "user nginx;": "user root;"}.items():
        assert was in frame
        frame = frame.replace(was, now)
    (tmp_path / "nginx").write_text(frame)
    command: list[str | Path] = [
        find("nginx") or "nginx",
        "-t",
        "-p",
        tmp_path,
        "-e",
        tmp_path / "errors",
        "-c",
        tmp_path / "nginx",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
