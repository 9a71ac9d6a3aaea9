"""The API's description as one HTML page without scripts or anything loaded: it works offline, under a strict CSP."""

import base64
import hashlib
import json
from html import escape
from typing import Any, Final

STYLE: Final = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font-family: ui-monospace, monospace; font-size: .9em }
pre { overflow: auto; padding: .75rem; border: 1px solid #8886; border-radius: .4rem }
details { border: 1px solid #8886; border-radius: .4rem; margin: .5rem 0; padding: .5rem .75rem }
summary { cursor: pointer }
summary b { display: inline-block; min-width: 4.5rem }
table { border-collapse: collapse; width: 100% }
td { border-top: 1px solid #8884; padding: .25rem .75rem .25rem 0; vertical-align: top }
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(document: dict[str, Any]) -> str:
    """The page of an OpenAPI document."""
    info = document["info"]
    operations = "".join(
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    schemas = "".join(_schema(name, schema) for name, schema in document["components"]["schemas"].items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info['description'])}</p>"
        '<p>For programs: <a href="/api/openapi.json">openapi.json</a></p>'
        f"<h2>Requests</h2>{operations}<h2>Bodies</h2>{schemas}</body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parameters = "".join(
        _row(f"{parameter['name']} ({parameter['in']})", parameter.get("description", ""))
        for parameter in operation.get("parameters", ())
    )
    replies = "".join(_row(status, reply["description"]) for status, reply in operation["responses"].items())
    return (
        f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code> "
        f"{escape(operation.get('summary', ''))}</summary><p>{escape(operation.get('description', ''))}</p>"
        + (f"<h4>Parameters</h4><table>{parameters}</table>" if parameters else "")
        + "".join(
            f"<h4>Body: {escape(media_type)}</h4><pre>{escape(_text(content['example']))}</pre>"
            for media_type, content in operation.get("requestBody", {}).get("content", {}).items()
        )
        + f"<h4>Replies</h4><table>{replies}</table></details>"
    )


def _schema(name: str, schema: dict[str, Any]) -> str:
    return (
        f'<details id="{escape(name)}"><summary><code>{escape(name)}</code> {escape(schema.get("description", ""))}'
        f"</summary><pre>{escape(_text(schema))}</pre></details>"
    )


def _row(name: str, meaning: str) -> str:
    return f"<tr><td><code>{escape(name)}</code></td><td>{escape(meaning)}</td></tr>"


def _text(example: object) -> str:
    return example if isinstance(example, str) else json.dumps(example, indent=2)
