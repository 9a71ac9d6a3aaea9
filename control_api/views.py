"""Links as the API shows them."""

from control_api.schemas import LinkBrief, LinkView
from control_api.short_urls import ShortUrls
from control_api.times import to_time
from shortlink.links import Link


def of_link(link: Link, short_urls: ShortUrls) -> LinkView:
    """A whole link."""
    return LinkView(
        code=link.code,
        short_url=short_urls.of(link.key),
        target=link.target,
        domain=link.domain,
        status=link.status,
        cache_control=link.cache_control,
        not_before=to_time(link.not_before),
        expires_at=to_time(link.expires_at),
        max_visits=link.max_visits,
        expired_target=link.expired_target,
        forward_query=link.forward_query,
        title=link.title,
        tags=link.tags,
        enabled=link.enabled,
        created_at=to_time(link.created_at),
        updated_at=to_time(link.updated_at),
        version=str(link.version),
    )


def brief(link: Link, short_urls: ShortUrls) -> LinkBrief:
    """What a made link is called."""
    return LinkBrief(code=link.code, short_url=short_urls.of(link.key), target=link.target)


def etag(link: Link) -> str:
    """The entity tag of a link as it is now (RFC 9110 §8.8.3)."""
    return f'"{link.version}"'
