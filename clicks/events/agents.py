"""Who clicked: the class of a click, and its browser, system and device, by the user agent."""

from functools import cache
from typing import Final, NamedTuple

from ua_parser import Domain, Parser
from ua_parser.loaders import load_builtins
from ua_parser.regex import Resolver

from clicks.classes import classify
from clicks.counts import TrafficClass
from clicks.events.devices import BOT, device_of
from clicks.events.texts import clean, members
from redirect_core import UNTRACKED


class Agent(NamedTuple):
    """Families, as charts show them; empty: not known."""

    browser: str
    os: str
    device: str


def describe_agent(user_agent: bytes, flags: int) -> bytes:
    """`class`, `reason`, `browser`, `os`, `device` and `user_agent` as JSON members.

    Args:
        user_agent: as the spool keeps it.
        flags: of redirect_core. UNTRACKED: the user agent's text is left out, as it might tell one visitor from
            another; the families that it stands for are shared by many.
    """
    traffic, reason = classify(user_agent, flags)
    text = clean(user_agent)
    return members(
        {"class": traffic.value, "reason": reason}
        | agent_of(user_agent)._asdict()
        | {"user_agent": "" if flags & UNTRACKED else text}
    )


def agent_of(user_agent: bytes) -> Agent:
    """What a person's browser runs on. A machine has no browser and no system, whichever it names: charts of
    browsers show people, whoever forgets to ask for them alone."""
    if classify(user_agent, 0).traffic is not TrafficClass.HUMAN:
        return _MACHINE
    text = clean(user_agent)
    found = _parser()(text, Domain.USER_AGENT | Domain.OS)
    browser = _app_of(text) or (found.user_agent.family if found.user_agent else "")
    system = found.os.family if found.os else ""
    return Agent(_BROWSERS.get(browser, browser), _SYSTEMS.get(system, system), device_of(text))


def _app_of(text: str) -> str | None:
    return next((app for sign, app in _APPS.items() if sign in text), None)


_MACHINE: Final = Agent("", "", BOT)


@cache
def _parser() -> Parser:
    """Made when it is first needed: compiling the patterns takes a third of a second."""
    return Parser(Resolver(load_builtins()))


# Apps with browsers of their own that uap-core takes for a plain one.
_APPS: Final = {
    "MetaIAB Facebook": "Facebook",
    "LinkedInApp": "LinkedIn",
    "MicroMessenger/": "WeChat",
    "KAKAOTALK": "KakaoTalk",
    "Barcelona ": "Threads",
    "NAVER(inapp": "Naver",
    "Zalo ": "Zalo",
}
# uap-core's families of one browser on different devices, which `device` tells already.
_BROWSERS: Final = {
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari WebView",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome WebView",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Edge Mobile": "Edge",
    "Opera Mobile": "Opera",
    "Opera Tablet": "Opera",
    "IE Mobile": "IE",
    "Amazon Silk": "Silk",
    "DuckDuckGo Mobile": "DuckDuckGo",
    "Brave Mobile": "Brave",
    "Ecosia iOS": "Ecosia",
    "Ecosia Android": "Ecosia",
    "Yandex Browser": "Yandex",
    "Other": "",
}
_SYSTEMS: Final = {
    "Mac OS X": "macOS",
    "Mac OS": "macOS",
    "Chrome OS": "ChromeOS",
    "Ubuntu": "Linux",
    "Debian": "Linux",
    "Fedora": "Linux",
    "Arch Linux": "Linux",
    "Other": "",
}
