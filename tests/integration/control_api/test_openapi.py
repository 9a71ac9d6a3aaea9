"""The OpenAPI document: complete, and true of the running service."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from control_api.examples import EXAMPLES
from tests.integration.control_api.api import Api
from tests.integration.control_api.process import started

CONFIG = Path(__file__).with_name("schemathesis.toml")
HOOKS = Path(__file__).with_name("schemathesis_hooks.py")


def test_it_describes_every_route(api: Api) -> None:
    document = api.ask("GET", "/api/openapi.json", key=None).json()
    described = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    routes = {
        (method, route.path_format)
        for route in api.routes
        for method in (route.methods or set()) - {"HEAD"}
        if route.path_format not in ("/api/openapi.json", "/api/docs")
    }
    assert described == routes


def test_every_operation_says_what_it_needs_and_answers(api: Api) -> None:
    document = api.ask("GET", "/api/openapi.json", key=None).json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            assert operation["description"]
            assert ("security" in operation) == path.startswith("/api/"), path
            statuses = set(operation["responses"])
            assert "500" in statuses
            if path.startswith("/api/"):
                assert {"401", "403", "503"} <= statuses
            for reply in operation["responses"].values():
                for content in reply.get("content", {}).values():
                    assert "example" in content or "examples" in content


def test_every_reference_leads_somewhere(api: Api) -> None:
    text = api.ask("GET", "/api/openapi.json", key=None).text
    schemas = json.loads(text)["components"]["schemas"]
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) <= set(schemas)


def test_the_examples_are_what_the_schemas_say() -> None:
    for view, example in EXAMPLES.items():
        assert msgspec.to_builtins(msgspec.convert(example, view)) == example


def test_the_page_for_people_loads_nothing(api: Api) -> None:
    reply = api.ask("GET", "/api/docs", key=None)
    assert reply.status_code == 200
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "/api/shorten" in reply.text
    assert "<script" not in reply.text
    assert not re.findall(r'(?:src|href)="(?!/api/openapi\.json)', reply.text)


@pytest.mark.slow
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        run = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                f"--config-file={CONFIG}",
                "run",
                f"{process.address}/api/openapi.json",
                "--header",
                f"Authorization: {process.bearer['Authorization']}",
                "--no-color",
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS)},
            timeout=120,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        assert "No issues found" in run.stdout, run.stdout
