"""/api/links: lists, shows, changes and removes links."""

import re
from typing import Annotated, Any, Final

import msgspec
from fastapi import Header, Path, Query, Request, Response
from fastapi.routing import APIRoute

from control_api import bodies, documented, replies, views
from control_api.deps import LinksReader, LinksWriter, Plane
from control_api.plane import ControlPlane
from control_api.problems import Problem
from control_api.schemas import LinkListView, LinkPatchBody, LinkView
from control_api.times import to_ms
from shortlink.links import DEFAULT_DOMAIN, Link, LinkKey, LinkQuery, Order

ATTEMPTS: Final = 8  # at one link, while others change it between our read and our write

_PATCH: Final = msgspec.json.Decoder(LinkPatchBody)
_TIMES: Final = ("not_before", "expires_at")
_TAG: Final = re.compile(r'(W/)?"([^"]*)"')

Code = Annotated[str, Path(description="the link's code or alias", examples=["welcome"])]
Domain = Annotated[str, Query(description="the link's domain; empty: the default one", max_length=253)]
IfMatch = Annotated[
    str | None, Header(description="do it only if the link still has this ETag", examples=['"115343360000"'])
]


async def list_links(
    plane: Plane,
    _: LinksReader,
    cursor: Annotated[str | None, Query(description="next_cursor of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="most links a page")] = 50,
    search: Annotated[
        str | None, Query(min_length=1, max_length=200, description="a part of code, target or title, in any case")
    ] = None,
    tag: Annotated[str | None, Query(min_length=1, max_length=64, description="only links with this tag")] = None,
    domain: Annotated[str | None, Query(max_length=253, description="only links of this domain")] = None,
    order: Annotated[Order, Query(description="which come first")] = Order.NEWEST,
) -> Response:
    """List links, page by page."""
    query = LinkQuery(search=search, tag=tag, domain=domain, order=order, cursor=cursor, limit=limit)
    try:
        page = await plane.links.list(query)
    except ValueError as exc:
        detail = "Send next_cursor of a page of the same list, or none for the first page."
        raise Problem("invalid-parameter", detail, field="cursor") from exc
    links = [views.of_link(link, plane.short_urls) for link in page.links]
    return replies.json(LinkListView(links=links, next_cursor=page.next_cursor))


async def show_link(
    plane: Plane,
    _: LinksReader,
    code: Code,
    domain: Domain = DEFAULT_DOMAIN,
    if_none_match: Annotated[str | None, Header(description="answer 304 if the link still has this ETag")] = None,
) -> Response:
    """Show one link."""
    link = await found(plane, LinkKey(domain, code))
    if if_none_match is not None and _names(if_none_match, link, weakly=True):
        return Response(status_code=304, headers={"ETag": views.etag(link)})
    return _shown(link, plane)


async def change_link(
    request: Request,
    plane: Plane,
    _: LinksWriter,
    code: Code,
    domain: Domain = DEFAULT_DOMAIN,
    if_match: IfMatch = None,
) -> Response:
    """Change some fields of a link."""
    raw = await bodies.read(request.scope, request.receive, plane.max_body_bytes, bodies.MERGE_PATCH)
    values = _values(bodies.decode(_PATCH, raw))
    for _attempt in range(ATTEMPTS):
        link = await found(plane, LinkKey(domain, code))
        _require_match(if_match, link)
        if not values:
            return _shown(link, plane)
        patch = plane.rules.patch(values, link)
        changed = await plane.links.change(link.key, patch, if_version=link.version)
        if isinstance(changed, Link):
            return _shown(changed, plane)
    raise Problem("conflict", "Try again in a moment.")


async def remove_link(
    plane: Plane,
    _: LinksWriter,
    code: Code,
    domain: Domain = DEFAULT_DOMAIN,
    if_match: IfMatch = None,
) -> Response:
    """Remove a link; its code answers 404 from now on."""
    for _attempt in range(ATTEMPTS):
        link = await found(plane, LinkKey(domain, code))
        _require_match(if_match, link)
        if await plane.links.remove(link.key, if_version=link.version) is None:
            return Response(status_code=204)
    raise Problem("conflict", "Try again in a moment.")


async def found(plane: ControlPlane, key: LinkKey) -> Link:
    """The link that a path names. Problem: link-not-found."""
    link = (await plane.links.get([key])).get(key)
    if link is None:
        where = f" on {key.domain}" if key.domain else ""
        raise Problem("link-not-found", f"No link has the code {key.code}{where}: codes are case-sensitive.")
    return link


def _shown(link: Link, plane: ControlPlane) -> Response:
    return replies.json(views.of_link(link, plane.short_urls), headers={"ETag": views.etag(link)})


def _values(body: LinkPatchBody) -> dict[str, Any]:
    """The fields that a patch names, as the rules take them."""
    fields = {name: getattr(body, name) for name in LinkPatchBody.__struct_fields__}
    named = {name: value for name, value in fields.items() if value is not msgspec.UNSET}
    return named | {name: to_ms(named[name]) for name in _TIMES if name in named}


def _require_match(if_match: str | None, link: Link) -> None:
    """RFC 9110 §13.1.1: weak tags never match, `*` matches whatever exists."""
    if if_match is not None and not _names(if_match, link, weakly=False):
        raise Problem(
            "precondition-failed",
            f"Read the link again (its ETag is {views.etag(link)} now), and repeat the change if it is still right.",
            field="If-Match",
            headers={"ETag": views.etag(link)},
        )


def _names(tags: str, link: Link, *, weakly: bool) -> bool:
    """True if a list of entity tags holds the link's."""
    if tags.strip() == "*":
        return True
    return any(tag == str(link.version) and (weakly or not weak) for weak, tag in _TAG.findall(tags))


_SHOWN: Final = documented.reply(200, "the link", LinkView, documented.ETAG)

ROUTES: Final = [
    APIRoute(
        "/api/links",
        list_links,
        methods=["GET"],
        response_class=Response,
        responses=documented.reply(200, "a page of links", LinkListView)
        | documented.problems("invalid-parameter", *documented.GUARDED),
    ),
    APIRoute(
        "/api/links/{code}",
        show_link,
        methods=["GET"],
        response_class=Response,
        responses=_SHOWN
        | documented.reply(304, "the link is as you know it", headers=documented.ETAG)
        | documented.problems("invalid-parameter", "link-not-found", *documented.GUARDED),
    ),
    APIRoute(
        "/api/links/{code}",
        change_link,
        methods=["PATCH"],
        response_class=Response,
        responses=_SHOWN
        | documented.problems(
            *("invalid-json", "invalid-field", "invalid-parameter", "link-not-found", "conflict"),
            *("precondition-failed", "body-too-large", "unsupported-media-type"),
            *documented.RULES,
            *documented.GUARDED,
        ),
        openapi_extra=documented.request_body(
            documented.ref(LinkPatchBody), *bodies.MERGE_PATCH, example={"url": "https://example.com/new"}
        ),
    ),
    APIRoute(
        "/api/links/{code}",
        remove_link,
        methods=["DELETE"],
        status_code=204,
        response_class=Response,
        responses=documented.reply(204, "removed")
        | documented.problems(
            *("invalid-parameter", "link-not-found", "conflict", "precondition-failed"), *documented.GUARDED
        ),
    ),
]
