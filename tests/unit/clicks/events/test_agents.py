"""Browsers, systems and devices, by user agents as they are sent."""

import json

import pytest

from clicks.events.agents import Agent, agent_of, describe_agent
from redirect_core import HEAD, PREFETCH, UNTRACKED

CHROME = (
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
MACINTOSH = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
BROWSERS = {
    CHROME.decode(): Agent("Chrome", "Windows", "desktop"),
    CHROME.decode() + " Edg/131.0.0.0": Agent("Edge", "Windows", "desktop"),
    f"{MACINTOSH} Version/18.1 Safari/605.1.15": Agent("Safari", "macOS", "desktop"),
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0": Agent(
        "Firefox", "Linux", "desktop"
    ),
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36": (
        Agent("Chrome", "ChromeOS", "desktop")
    ),
    f"{ANDROID} Chrome/131.0.0.0 Mobile Safari/537.36": Agent("Chrome", "Android", "mobile"),
    f"{ANDROID} Chrome/131.0.0.0 Safari/537.36": Agent("Chrome", "Android", "tablet"),
    f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1": Agent("Safari", "iOS", "mobile"),
    f"{IPHONE} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1": Agent("Chrome", "iOS", "mobile"),
    f"{IPHONE} Mobile/15E148 Instagram 338.0.3.29.95 (iPhone14,5; iOS 17_5)": Agent("Instagram", "iOS", "mobile"),
    f"{IPHONE} Mobile/22G100 Safari/604.1 MetaIAB Facebook": Agent("Facebook", "iOS", "mobile"),
    f"{ANDROID} Version/4.0 Chrome/126.0.6478.188 Mobile Safari/537.36 MicroMessenger/8.0.49.2600(0x28003133)": (
        Agent("WeChat", "Android", "mobile")
    ),
    IPHONE.replace("iPhone", "iPad") + " Version/17.5 Mobile/15E148 Safari/604.1": Agent("Safari", "iOS", "tablet"),
    f"{MACINTOSH} Version/18.3.1 Mobile/15E148 Safari/604.1": Agent("Safari", "macOS", "tablet"),
    "Mozilla/5.0 (PlayStation; PlayStation 5/9.60) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1": (
        Agent("Safari", "", "console")
    ),
    "Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) 94.0/7.0 TV Safari/537.36": (
        Agent("Safari", "Tizen", "tv")
    ),
    "Mozilla/5.0 (X11; Linux x86_64; Quest 3) AppleWebKit/537.36 (KHTML, like Gecko) OculusBrowser/35.2.0 "
    "Chrome/126.0.6478.122 VR Safari/537.36": Agent("Oculus Browser", "Android", "other"),
}


@pytest.mark.parametrize(("user_agent", "agent"), BROWSERS.items())
def test_families_and_devices_of_browsers(user_agent: str, agent: Agent) -> None:
    assert agent_of(user_agent.encode()) == agent


@pytest.mark.parametrize(
    "user_agent",
    [
        b"curl/8.10.1",
        b"",
        b"WhatsApp/2.24.23.73 i",
        b"Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
        ANDROID.encode()
        + b" Chrome/130.0.6723.91 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com)",
    ],
)
def test_machines_have_no_browser_and_no_system(user_agent: bytes) -> None:
    assert agent_of(user_agent) == Agent("", "", "bot")


@pytest.mark.parametrize("flags", [HEAD, PREFETCH])
def test_a_browser_stays_one_whatever_its_request_was_for(flags: int) -> None:
    described = json.loads(b"{%s}" % describe_agent(CHROME, flags))
    assert described["class"] != "human"
    assert (described["browser"], described["os"], described["device"]) == ("Chrome", "Windows", "desktop")


def test_of_who_is_not_to_be_tracked_the_user_agent_is_left_out() -> None:
    described = json.loads(b"{%s}" % describe_agent(CHROME, UNTRACKED))
    assert described == {
        "class": "human",
        "reason": "browser",
        "browser": "Chrome",
        "os": "Windows",
        "device": "desktop",
        "user_agent": "",
    }
