"""The image and docker-compose.yml name what exists, and hold to what is promised; no Docker is needed to know."""

import re
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatch
from ipaddress import ip_address, ip_network
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]

from devstack.locks import ROOT
from edge302.roles import ROLES
from shortlink import settings
from shortlink.settings import Settings
from tests.integration.nginx.front import render

DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
OURS: Final = {name: service for name, service in SERVICES.items() if service["image"] == "edge302:local"}
SUBNET: Final = ip_network(COMPOSE["networks"]["default"]["ipam"]["config"][0]["subnet"])


def role_of(service: Mapping[str, Any]) -> str:
    (role,) = service["command"]
    return str(role)


def settings_of(service: Mapping[str, Any], dotenv: Mapping[str, str] | None = None) -> Settings:
    """What its variables mean, with those of the operator's .env filled in."""
    given = {"POSTGRES_PASSWORD": "secret", **(dotenv or {})}

    def value(found: re.Match[str]) -> str:
        return given.get(found["name"]) or found["default"] or ""

    pattern = r"\$\{(?P<name>\w+)(:-(?P<default>[^}]*)|:\?[^}]*)?\}"
    return settings.load({name: re.sub(pattern, value, text) for name, text in service["environment"].items()})


def dotenv_of_the_profile() -> dict[str, str]:
    """What the comment at the top says to write into .env for Kafka and ClickHouse."""
    text = (ROOT / "docker-compose.yml").read_text()
    return dict(re.findall(r"^#   (\w+)=(\S+)$", text, re.MULTILINE))


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_with_a_value_that_is_taken(name: str) -> None:
    chosen = settings_of(OURS[name])
    assert chosen.database_statement_cache == 0
    assert "@pgbouncer:6432/" in (chosen.database_url or "")
    assert "@postgres:5432/" in (chosen.direct_database_url or "")
    assert bool(chosen.read_database_urls) == (role_of(OURS[name]) == "gateway")


@pytest.mark.parametrize("name", OURS)
def test_with_its_profile_clicks_go_through_kafka_into_clickhouse(name: str) -> None:
    dotenv = dotenv_of_the_profile()
    (profile,) = {profile for service in SERVICES.values() for profile in service.get("profiles", ())}
    assert dotenv["COMPOSE_PROFILES"] == profile
    (broker,) = settings_of(OURS[name], dotenv).kafka_bootstrap_servers
    assert broker.partition(":")[0] in SERVICES
    engine = SERVICES["clickhouse"]["environment"]
    assert settings_of(OURS[name], dotenv).clickhouse_url == (
        f"http://{engine['CLICKHOUSE_USER']}:{engine['CLICKHOUSE_PASSWORD']}@clickhouse:8123/{engine['CLICKHOUSE_DB']}"
    )
    assert settings_of(OURS[name]).kafka_bootstrap_servers == ()


def test_nobody_waits_for_what_only_the_profile_starts() -> None:
    profiled = {name for name, service in SERVICES.items() if service.get("profiles")}
    assert profiled == {"ingest-1", "ingest-2", "kafka", "clickhouse"}
    for name in SERVICES.keys() - profiled:
        assert not profiled & SERVICES[name].get("depends_on", {}).keys()


def test_the_image_sets_what_is_a_setting() -> None:
    variables = dict(re.findall(r"\b(EDGE302_\w+)=(\S+)", DOCKERFILE))
    assert settings.load(variables).host == "0.0.0.0"


def test_every_role_runs_on_each_machine_that_needs_it() -> None:
    machines: dict[str, list[str]] = {}
    for service in OURS.values():
        (volume,) = service["volumes"]
        machines.setdefault(volume, []).append(role_of(service))
    assert machines == {
        "edge-1:/data": ["gateway", "shipper"],
        "edge-2:/data": ["gateway", "shipper"],
        "control-1:/data": ["api", "relay", "ingest"],
        "control-2:/data": ["api", "relay", "ingest"],
    }


@pytest.mark.parametrize("name", OURS)
def test_a_role_is_given_the_time_that_it_may_take_to_stop(name: str) -> None:
    needed = settings_of(OURS[name]).drain_seconds + ROLES[role_of(OURS[name])].stop_seconds
    assert seconds(OURS[name]["stop_grace_period"]) >= needed


@pytest.mark.parametrize("name", OURS)
def test_our_own_containers_can_do_nothing_that_they_need_not(name: str) -> None:
    service = OURS[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "ports" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_says_whether_it_is_well_and_waits_for_those_that_are(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    for other, how in service.get("depends_on", {}).items():
        assert other in SERVICES
        assert how == {"condition": "service_healthy"}


def test_every_image_is_pinned_to_a_version() -> None:
    theirs = [service["image"] for service in SERVICES.values() if "build" not in service]
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(theirs) + len(bases) == 9
    for image in (*theirs, *bases):
        assert re.search(r":\d+\.\d+(\.\d+)?(-[a-z]+)*$", image), image


def test_what_is_built_exists() -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE))
    assert {service["build"]["target"] for service in SERVICES.values() if "build" in service} < stages


def test_no_image_of_ours_runs_as_root_and_each_has_a_health_check() -> None:
    for stage in re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[2:]:  # the first one is only built in
        users = re.findall(r"^USER (\S+)$", stage, re.MULTILINE)
        assert users
        assert users[-1].partition(":")[0] not in ("0", "root")
        assert "\nHEALTHCHECK " in stage


def test_the_image_is_built_of_all_that_its_wheel_needs_and_of_no_secret() -> None:
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())
    needed = {*project["tool"]["maturin"]["python-packages"], *workspace["workspace"]["members"]}
    needed |= {"pyproject.toml", "Cargo.toml", "Cargo.lock", project["project"]["readme"]}
    let_in = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    assert "*" in rules
    assert [each for each in needed if not any(fnmatch(each, rule) for rule in let_in)] == []
    assert not any(fnmatch(secret, rule) for secret in (".env", "data", ".git") for rule in let_in)


def test_only_nginx_is_reached_from_outside_and_from_this_machine_alone() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "nginx": ["127.0.0.1:8080:80"]
    }


def test_nginx_is_given_what_its_renderer_makes_for_these_services() -> None:
    by_role = {
        role: ",".join(f"{name}:{port}" for name, service in OURS.items() if role_of(service) == role)
        for role, port in (("gateway", Settings().port), ("api", Settings().api_port))
    }
    printed = render(
        "--variables",
        NGINX_GATEWAYS=by_role["gateway"],
        NGINX_CONTROLS=by_role["api"],
        NGINX_ADMIN_ALLOW=f"127.0.0.0/8,{SUBNET}",
    )
    assert (ROOT / SERVICES["nginx"]["env_file"]).read_text() == printed.stdout


def test_nginx_is_believed_and_finds_everybody_where_they_were() -> None:
    for service in OURS.values():
        if role_of(service) == "gateway":
            assert settings_of(service).trusted_proxies == (str(SUBNET),)
        if role_of(service) in ("gateway", "api"):
            assert ip_address(service["networks"]["default"]["ipv4_address"]) in SUBNET


def test_replicas_are_let_in_from_there_alone() -> None:
    assert f"host replication edge302 {SUBNET} scram-sha-256" in COMPOSE["configs"]["postgres-replication"]["content"]


def test_redis_is_a_cache() -> None:
    words = " ".join(SERVICES["redis"]["command"])
    assert "--maxmemory-policy allkeys-lfu" in words
    assert "--appendonly no" in words


def test_every_volume_is_used_and_declared() -> None:
    used = {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", ())
        if not volume.startswith("./")
    }
    assert used == set(COMPOSE["volumes"])
    mounted = [v.partition(":")[0] for v in SERVICES["nginx"]["volumes"]]
    assert all((ROOT / path).exists() for path in mounted)
