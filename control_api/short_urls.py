"""The short URL of a link: where the edge answers for its domain."""

from typing import Final
from urllib.parse import urlsplit

from shortlink.links import DEFAULT_DOMAIN, LinkKey
from shortlink.settings import Settings


class ShortUrls:
    """Short URLs by domain. A domain of its own is reached with the default one's scheme and port."""

    def __init__(self, settings: Settings) -> None:
        base: Final = urlsplit(settings.base_url)
        port = f":{base.port}" if base.port else ""
        self._bases = {domain: f"{base.scheme}://{domain}{port}/" for domain in settings.domains}
        self._bases[DEFAULT_DOMAIN] = settings.base_url

    def of(self, key: LinkKey) -> str:
        """A link of a domain that is configured no longer is shown with the default one's host."""
        domain, code = key
        return self._bases.get(domain, self._bases[DEFAULT_DOMAIN]) + code
