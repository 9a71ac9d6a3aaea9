"""Problems: each kind is documented, and reads as RFC 9457 has it."""

import json
import re
from pathlib import Path

from control_api import problems
from control_api.problems import KINDS, Problem

ROOT = Path(__file__).parents[3]


def test_the_documentation_lists_every_kind_with_its_status() -> None:
    rows = re.findall(r"^\| `/problems/([a-z-]+)` \| (\d+) \| .", (ROOT / "docs/api.md").read_text(), re.MULTILINE)
    assert [(kind, int(status)) for kind, status in rows] == [(kind, each.status) for kind, each in KINDS.items()]


def test_every_rule_of_links_has_its_kind() -> None:
    raised = {
        kind
        for name in ("codes", "urls", "rules")
        for kind in re.findall(r'InvalidLink\(\s*\S+,\s*"([a-z-]+)"', _source(name))
    }
    assert raised
    assert raised <= set(KINDS)


def test_a_problem_reads_as_the_rfc_has_it() -> None:
    reply = problems.response(Problem("alias-taken", "a belongs to another link.", field="alias"), "r1")
    assert reply.status_code == 409
    assert reply.media_type == "application/problem+json"
    assert json.loads(bytes(reply.body)) == {
        "type": "/problems/alias-taken",
        "title": "The alias belongs to another link",
        "status": 409,
        "detail": "a belongs to another link.",
        "field": "alias",
        "request_id": "r1",
    }


def test_what_there_is_not_is_left_out() -> None:
    body = json.loads(bytes(problems.response(Problem("internal", "x"), None).body))
    assert body.keys() == {"type", "title", "status", "detail"}


def _source(name: str) -> str:
    return (ROOT / "shortlink" / f"{name}.py").read_text()
