"""Who followed a link, judged by the request's flags and its user agent.

Everything is kept and counted under its class; each verdict says by which sign it was given.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import product
from typing import Final, NamedTuple

from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # type: ignore[import-untyped]

from clicks.counts import TrafficClass
from redirect_core._core import HEAD, PREFETCH


class Verdict(NamedTuple):
    """A class, and the reason for it: a short stable word, such as "slack" or "search-engine"."""

    traffic: TrafficClass
    reason: str


def classify(user_agent: bytes, flags: int) -> Verdict:
    """The class of a click.

    Args:
        user_agent: as the spool keeps it; empty: the request named none.
        flags: HEAD and PREFETCH of redirect_core.
    """
    if flags & HEAD:  # before all else: nobody follows a link by HEAD, whoever asks
        return _HEAD
    if flags & PREFETCH:
        return _PREFETCH
    return _by_user_agent(user_agent)


_HEAD: Final = Verdict(TrafficClass.HEAD, "method")
_PREFETCH: Final = Verdict(TrafficClass.PREFETCH, "purpose")
_UNNAMED: Final = Verdict(TrafficClass.BOT, "no-user-agent")
_TOOL: Final = Verdict(TrafficClass.BOT, "tool")
_AUTOMATION: Final = Verdict(TrafficClass.BOT, "browser-automation")
_SELF_DECLARED: Final = Verdict(TrafficClass.BOT, "self-declared")
_BROWSER: Final = Verdict(TrafficClass.HUMAN, "browser")

# Part of a user agent → reason; the first that is found decides, so what borrows other names comes first.
_PREVIEWS: Final = {
    "facebookexternalhit/1.1 Facebot Twitterbot": "imessage",  # Messages on Apple devices
    "line-poker": "line",  # beside facebookexternalhit, as is the next
    "kakaotalk-scrap": "kakaotalk",
    "facebookexternalhit": "facebook",
    "Facebot": "facebook",
    "Meta-ExternalHit/": "facebook",
    "Twitterbot": "twitter",
    "Slackbot": "slack",
    "Slack-ImgProxy": "slack",
    "WhatsApp/": "whatsapp",  # Signal borrows this name
    "TelegramBot": "telegram",
    "Discordbot": "discord",
    "LinkedInBot": "linkedin",
    "Pinterest/0.": "pinterest",
    "Pinterestbot": "pinterest",
    "pinterest.com/bot": "pinterest",
    "SkypeUriPreview": "skype",  # Teams too
    "MicrosoftPreview/": "microsoft",
    "BingPreview/": "bing",
    "Google Web Preview": "google",
    "Google-PageRenderer": "google",
    "Yahoo Link Preview": "yahoo",
    "redditbot": "reddit",
    "vkShare": "vk",
    "OdklBot/": "odnoklassniki",
    "Snap URL Preview Service": "snapchat",
    "SnapURLPreview/": "snapchat",
    "Bluesky Cardyb": "bluesky",
    "BlueskyPreviewBot": "bluesky",
    "Mastodon/": "mastodon",
    "Friendica": "friendica",
    "SummalyBot": "misskey",
    "Misskey/": "misskey",
    "Pleroma ": "pleroma",
    "Akkoma ": "akkoma",
    "Nextcloud Server Crawler": "nextcloud",
    "Nextcloud-Server-Crawler/": "nextcloud",
    "XING-contenttabreceiver/": "xing",
    "Tumblr/": "tumblr",
    "Lemmy/": "lemmy",
    "Synapse (bot": "matrix",
    "Iframely": "iframely",
    "Embedly": "embedly",
    "Discourse Forum Onebox": "discourse",
    "Mattermost-Bot/": "mattermost",
    "Chatwork LinkPreview": "chatwork",
    "ClickUpLinkUnfurler": "clickup",
    "DingTalkBot-LinkService": "dingtalk",
    "EvernoteRichLinkBot": "evernote",
    "GroupMeBot": "groupme",
    "KeybaseBot": "keybase",
    "Valve/Steam HTTP Client": "steam",
}
_MONITORS: Final = {
    "UptimeRobot": "uptimerobot",
    "Pingdom": "pingdom",
    "StatusCake": "statuscake",
    "Better Uptime Bot": "better-uptime",
    "BetterUptimeBot": "better-uptime",
    "Better Stack": "better-uptime",
    "Site24x7": "site24x7",
    "Uptime-Kuma": "uptime-kuma",
    "HetrixTools": "hetrixtools",
    "FreshpingBot": "freshping",
    "Checkly": "checkly",
    "DatadogSynthetics": "datadog",
    "Datadog Agent": "datadog",
    "Datadog/Synthetics": "datadog",
    "NewRelicPinger": "new-relic",
    "NewRelicSynthetics": "new-relic",
    "RuxitSynthetic": "dynatrace",
    "ThousandEyes": "thousandeyes",
    "Catchpoint": "catchpoint",
    "GoogleStackdriverMonitoring": "google-cloud",
    "GoogleHC/": "google-cloud",
    "kube-probe/": "kubernetes",
    "ELB-HealthChecker/": "aws",
    "Amazon-Route53-Health-Check-Service": "aws",
    "Azure Traffic Manager Endpoint Monitor": "azure",
    "AppInsights": "azure",
    "Edge Health Probe": "azure",
    "Cloudflare-Healthchecks": "cloudflare",
    "Cloudflare-Traffic-Manager": "cloudflare",
    "Consul Health Check": "consul",
    "check_http/": "nagios",
    "Zabbix": "zabbix",
    "Blackbox Exporter/": "prometheus",
    "Blackbox-Exporter/": "prometheus",
    "synthetic-monitoring-agent/": "grafana",
    "SentryUptimeBot/": "sentry",
    "Honeybadger Uptime Check": "honeybadger",
    "PRTG": "prtg",
    "updown.io": "updown",
    "NodePing": "nodeping",
    "OhDear/": "oh-dear",
    "HostTracker/": "host-tracker",
    "Uptimia": "uptimia",
    "uptrends": "uptrends",
    "Uptime/": "uptime.com",
    "Gatus/": "gatus",
    "jetmon/": "jetpack",
}

# How browsers begin, those for terminals and of telephones with keys among them. Whatever begins otherwise is a program
# under its own name: a library, a player, an app that fetches by itself.
_BROWSERS: Final = re.compile(r"Mozilla/|Opera/|UCWEB/|Lynx/|E?Links |ELinks/|w3m/|Dillo/|NetSurf/|\S+ .*\bMIDP-")
_AUTOMATION_SIGN: Final = "Headless"
# An address to complain to, or a word of the trade, in lower case. Not Cubot, which makes telephones.
_DECLARATIONS: Final = ("+http", "crawler", "spider", "powershell/")
_BOT: Final = re.compile(r"(?<!cu)bot\b")
# Internet Explorer and Konqueror wrote so first; since they are gone, it is the mark of what only claims to be a
# browser.
_COMPATIBLE: Final = re.compile(r"\bcompatible; ?(?!msie|konqueror|\s)")


@lru_cache(maxsize=16_384)  # of at most 512 bytes each: 8 MiB when full
def _by_user_agent(user_agent: bytes) -> Verdict:
    text = user_agent.decode("latin-1").strip()
    if not text:
        return _UNNAMED
    if reason := _first_part(text, _PREVIEWS):
        return Verdict(TrafficClass.PREVIEW, reason)
    if reason := _first_part(text, _MONITORS):
        return Verdict(TrafficClass.MONITOR, reason)
    if tag := _KNOWN_BOTS.tag_of(text):
        return _BY_TAG.get(tag) or Verdict(TrafficClass.BOT, tag)
    if _AUTOMATION_SIGN in text:
        return _AUTOMATION
    if _declares_itself(text.lower()):
        return _SELF_DECLARED
    return _BROWSER if _BROWSERS.match(text) else _TOOL


def _declares_itself(text: str) -> bool:
    if any(word in text for word in _DECLARATIONS):
        return True
    return _BOT.search(text) is not None or _COMPATIBLE.search(text) is not None


def _first_part(text: str, parts: Mapping[str, str]) -> str | None:
    for part, reason in parts.items():
        if part in text:
            return reason
    return None


class _PatternList:
    """The list of crawler-user-agents, arranged so that a user agent is looked up in tens of microseconds.

    Tried pattern by pattern, its 1,500 patterns take half a millisecond, and whoever sends a new user agent with each
    request could hold up the count. Nearly all are plain text, found here by their first three characters.
    """

    def __init__(self, entries: Iterable[Mapping[str, object]], corrected_tags: Mapping[str, str | None]) -> None:
        texts: dict[str, list[str]] = {}
        self._tags: dict[str, str] = {}
        self._expressions: list[tuple[re.Pattern[str], str]] = []
        for entry in entries:
            tag = corrected_tags.get(str(entry["pattern"]), _first_tag(entry))
            if tag is None:
                continue
            for pattern in _alternatives(str(entry["pattern"])):
                if (text := _plain_text(pattern)) is None:
                    self._expressions.append((re.compile(pattern), tag))
                else:
                    texts.setdefault(text[:3], []).append(text)
                    self._tags[text] = tag
        self._by_start = {start: tuple(found) for start, found in texts.items()}

    def tag_of(self, user_agent: str) -> str | None:
        """What the list calls this kind of bot; None: the list doesn't know the user agent."""
        by_start = self._by_start
        for at in range(len(user_agent) - 2):
            texts = by_start.get(user_agent[at : at + 3])
            if texts is not None and user_agent.startswith(texts, at):
                return next(self._tags[text] for text in texts if user_agent.startswith(text, at))
        return next((tag for expression, tag in self._expressions if expression.search(user_agent)), None)


def _alternatives(pattern: str) -> list[str]:
    """Simpler patterns that together match what `pattern` does: "[wW]get|curl" is Wget, wget and curl."""
    if "(" in pattern:
        return [pattern]
    return ["".join(parts) for one in pattern.split("|") for parts in product(*map(_letters, _SET.split(one)))]


_SET: Final = re.compile(r"(\[[A-Za-z]+\])")


def _letters(part: str) -> list[str]:
    return list(part[1:-1]) if _SET.fullmatch(part) else [part]


def _plain_text(pattern: str) -> str | None:
    """The only text that a pattern matches; None: it matches several, or only in some places."""
    if len(pattern) < 3 or re.search(r"(?<!\\)[.^$*+?{}\[\]|()]|\\\w", pattern):
        return None
    return re.sub(r"\\(\W)", r"\1", pattern)


def _first_tag(entry: Mapping[str, object]) -> str:
    tags = entry.get("tags")
    return str(tags[0]) if isinstance(tags, list) and tags else "crawler"


# Where the list errs. None: people's browsers match the pattern, such as Meta's in apps, and every telephone of one
# build of Android.
_CORRECTED_TAGS: Final = {
    r"AP3A\.240617\.008": None,
    "MetaIAB Facebook": None,
    r"meta-externalfetcher\/": "ai-crawler",
    "meta-webindexer": "ai-crawler",
    "AASA-Bot": "crawler",
}
_KNOWN_BOTS: Final = _PatternList(CRAWLER_USER_AGENTS_DATA, _CORRECTED_TAGS)
# What the list calls otherwise.
_BY_TAG: Final = {"http-library": _TOOL, "social-preview": Verdict(TrafficClass.PREVIEW, "social-preview")}
