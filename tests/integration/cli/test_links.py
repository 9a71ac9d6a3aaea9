"""`edge302 links` and `edge302 keys` on a running node."""

import json
from pathlib import Path

from tests.integration.cli.folders import links
from tests.integration.cli.processes import Command, Node


def test_add_prints_the_short_url_and_json_prints_the_link(node: Node) -> None:
    short_url = node("links", "add", "https://example.com/a", "--alias", "added").strip()
    assert short_url.endswith("/added")
    link = json.loads(
        node(
            "links",
            "add",
            "https://example.com/b",
            "--tag",
            "x",
            "--tag",
            "y",
            "--status",
            "301",
            "--disabled",
            "--json",
        )
    )
    assert (link["target"], link["tags"], link["status"], link["enabled"]) == (
        "https://example.com/b", ["x", "y"], 301, False,
    )  # fmt: skip


def test_a_refusal_names_field_and_kind(node: Node) -> None:
    complaint = node.complaint("links", "add", "javascript:alert(1)", code=1)
    assert complaint.startswith("edge302: url: ")
    assert "(target-scheme)" in complaint


def test_list_finds_by_tag_and_search_and_pages_through_all(node: Node, tmp_path: Path) -> None:
    lines = [
        json.dumps({"alias": f"l{n}", "url": f"https://example.com/{n}", "tags": ["listed"]}) for n in range(1_100)
    ]
    file = tmp_path / "links.ndjson"
    file.write_text("\n".join(lines))
    node("links", "import", file)
    found = node("links", "list", "--tag", "listed", "--order", "oldest", "--all", "--json").splitlines()
    assert {json.loads(line)["code"] for line in found} == {f"l{n}" for n in range(1_100)}
    assert len(node("links", "list", "--tag", "listed", "--limit", "700", "--json").splitlines()) == 700
    header, row = node("links", "list", "--search", "l1099").splitlines()
    assert header.startswith("LINK")
    assert "https://example.com/1099" in row


def test_an_export_imported_elsewhere_gives_the_same_links(node: Node, tmp_path: Path) -> None:
    node(
        "links", "add", "https://example.com/é?q=1", "--alias", "full", "--title", 'a "title", with|all',
        "--tag", "a|b", "--tag", "c\\", "--expires-at", "2031-05-06T07:08:09Z", "--expired-target", "https://example.com/gone",
        "--forward-query", "--status", "307", "--cache-control", "no-store",
    )  # fmt: skip
    for name in ("export.ndjson", "export.csv"):
        file = tmp_path / name
        node("links", "export", file)
        elsewhere = Command(tmp_path / name.replace(".", "-"))
        elsewhere("links", "import", file)
        assert links(elsewhere.folder) == links(node.folder)


def test_a_created_key_works_until_it_is_revoked(node: Node) -> None:
    made = json.loads(
        node("keys", "create", "--name", "mine", "--scope", "links:read", "--scope", "links:write", "--json")
    )
    assert made["key"].startswith("e302_")
    listed = [json.loads(line) for line in node("keys", "list", "--json").splitlines()]
    assert made["id"] in [key["id"] for key in listed]
    assert made["key"] not in json.dumps(listed)
    node("keys", "revoke", made["id"])
    (ours,) = [key for key in map(json.loads, node("keys", "list", "--json").splitlines()) if key["id"] == made["id"]]
    assert ours["revoked_at"]
    assert "key-not-found" in node.complaint("keys", "revoke", "nobody", code=1)


def test_a_key_opens_a_control_plane_elsewhere(node: Node, tmp_path: Path) -> None:
    key = node("keys", "create", "--name", "remote", "--scope", "links:read").strip()
    url = node.api_url
    elsewhere = Command(tmp_path / "unused", EDGE302_API_URL=url, EDGE302_API_KEY=key)
    assert elsewhere("links", "list", "--json")
    assert "(wrong-scope)" in elsewhere.complaint("links", "add", "https://example.com/", code=1)
    without = Command(tmp_path / "unused", EDGE302_API_URL=url)
    assert "(missing-key)" in without.complaint("links", "list", code=1)
    assert not (tmp_path / "unused").exists()


def test_without_a_node_the_command_brings_its_own_control_plane_and_leaves_none_behind(command: Command) -> None:
    command("links", "add", "https://example.com/alone", "--alias", "alone")
    assert list(links(command.folder)) == ["alone"]
    assert not command.is_running("api")
